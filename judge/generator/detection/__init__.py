"""Telling generated faces from others, and whom such a detector falsely accuses."""
