"""Which extra a command needs: asked before any of its work."""

from __future__ import annotations

import argparse

from judge import extras

#: Command → extra. All others make do with the base.
NEEDS = {"run": "train", "score": "train", "generate": "generate", "private": "private", "publish": "publish"}
#: Data sets that are rendered.
RENDERED = ("parametric", "twins")
#: Words of `judge run` that only tell, and train nothing.
TELLS = {"--help", "-h", "--hydra-help", "--cfg", "-c", "--info", "-i", "--version"}


def check(args: argparse.Namespace) -> None:
    """Raises InputError, with the command that installs it, where a command's extra is not installed."""
    if extra := _extra(args):
        extras.need(extra, "this command")
    for word in getattr(args, "overrides", []):
        launcher = word.removeprefix("override ").partition("hydra/launcher=")[2]
        if args.command == "run" and launcher and launcher != "basic":
            extras.need("cluster", word)


def _extra(args: argparse.Namespace) -> str | None:
    if args.command == "data":
        return "train" if args.name in RENDERED else None
    if args.command == "run" and TELLS & set(args.overrides):
        return None
    if args.command == "score" and args.part == "merge":
        return None
    return NEEDS.get(args.command)
