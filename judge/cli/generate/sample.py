"""judge generate sample."""

from __future__ import annotations

import argparse

WHAT = "people who do not exist, of chosen shares: a folder of pictures with a manifest and a model card"


def configure(parser: argparse.ArgumentParser) -> None:
    return None


def run(args: argparse.Namespace) -> int | None:
    return None
