"""A bar on standard error for what takes long, where somebody is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable

#: Seconds before which no bar is shown: what is quick needs none.
PATIENCE = 2.0


def bar(
    steps: int | None = None, *, unit: str = "step", counted: bool = True
) -> tuple[Callable[[str], None], Callable[[], None]]:
    """A function that is called before each step with its name, and one that takes the bar away.

    steps: how many there are; None: not known, and only those that are done are counted. counted: False where a step
    may be told several times, and only its name and the time are shown.

    Nothing is shown where standard error is no terminal, nor in the first two seconds.
    """
    if not sys.stderr.isatty():
        return lambda _: None, lambda: None
    from tqdm import tqdm

    shown = tqdm(
        total=steps, delay=PATIENCE, unit=unit, leave=False, file=sys.stderr, dynamic_ncols=True,
        bar_format=None if counted else "{desc} [{elapsed}]",
    )  # fmt: skip
    begun = False

    def step(name: str) -> None:
        nonlocal begun
        if begun:
            shown.update()
        begun = True
        shown.set_description_str("".join(c if c.isprintable() else "�" for c in name)[:40], refresh=False)
        if shown.format_dict["elapsed"] > PATIENCE:
            shown.refresh()  # the name of the step that begins now, which may be a long one

    return step, shown.close
