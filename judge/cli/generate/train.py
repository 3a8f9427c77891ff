"""judge generate train."""

from __future__ import annotations

import argparse

WHAT = "train a generator on any data set, a pool of a run included"


def configure(parser: argparse.ArgumentParser) -> None:
    raise NotImplementedError


def run(args: argparse.Namespace) -> int | None:
    raise NotImplementedError
