"""judge generate detect."""

from __future__ import annotations

import argparse

WHAT = "train detectors of generated faces, and count by group whom they accuse falsely"


def configure(parser: argparse.ArgumentParser) -> None:
    return None


def run(args: argparse.Namespace) -> int | None:
    return None
