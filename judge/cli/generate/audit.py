"""judge generate audit."""

from __future__ import annotations

import argparse

WHAT = "whether a generator's diversity is an illusion, by group"


def configure(parser: argparse.ArgumentParser) -> None:
    return None


def run(args: argparse.Namespace) -> int | None:
    return None
