"""The settings, installed as the package judge.conf."""
