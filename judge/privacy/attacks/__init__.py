"""Membership attacks on judges, generators and synthetic pools, and the epsilon that an attack proves."""
