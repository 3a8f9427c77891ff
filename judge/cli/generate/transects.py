"""judge generate transects."""

from __future__ import annotations

import argparse

WHAT = "faces that differ in one attribute, and how much of the others leaks in"


def configure(parser: argparse.ArgumentParser) -> None:
    return None


def run(args: argparse.Namespace) -> int | None:
    return None
