"""Synthetic pools of people under a privacy budget."""
