"""The explorer's page: one template, the fields as data, the library and the script within it, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from judge import __version__
from judge.errors import InputError
from judge.report.explorer.charts import COLOURS, charts, javascript
from judge.report.explorer.faces import thumbnails
from judge.report.explorer.field import Field
from judge.report.explorer.payload import MOST_NUMBERS, payload, taken
from judge.report.wording import counted
from judge.storage import write_text

LIMITS = (
    "Dots are contests, each after one training. Whether a condition moves the winners is read from many runs (`judge "
    "compare` has the intervals and tests), not from one of them.",
    "A range of scores, a contestant or a set of weights that is found by looking is a question, not an answer: try "
    "enough of them and some differ by chance.",
    "Scores under different conditions are on scales of their own. Places are not.",
    "Held again means ranked again: with other places or weights, a gate would have let the same people in and every "
    "judge would have scored them as before.",
    "A weight is one number for a judge; z-scores make the judges’ spreads equal first. Ranks and z-scores are taken "
    "among all whom a condition judged, or within brackets where its panel says so.",
)


def write_explorer(
    out: Path,
    fields: Sequence[Field],
    conditions: Sequence[str],
    *,
    feature: str,
    title: str,
    most: int = MOST_NUMBERS,
    notes: Sequence[str] = (),
    who: str = "",
) -> tuple[Path, str]:
    """Writes the page to `out`, completely or not at all; returns it and what was left out ("" for nothing).

    fields      all runs; those that fit (`most` numbers) are on the page person by person
    conditions  in order, the baseline first
    most        scores and ranks on the page
    notes       what a reader has to know of the data: excluded people, unfinished runs
    who         a sentence on who the contestants are

    Raises InputError where altair or vl-convert is missing, and for `most` below 1.
    """
    if most < 1:
        raise InputError(f"--most is at least 1; given {most}")
    shown, left_out = taken(fields, most)
    faces, told = thumbnails(shown)
    data = payload(fields, shown, conditions, feature, faces)
    data |= {
        "colours": list(COLOURS),
        "settings": _settings(fields, shown),
        "charts": charts(data["groups"], conditions),
    }
    texts = {name: _template(f"{name}.js") for name in ("explorer_panel", "explorer")}
    library, script = javascript(), texts["explorer_panel"] + texts["explorer"]
    entered = sum(len(field) for field in fields)
    subtitle = (
        f"{counted(len(fields), 'contest')} with {counted(entered, 'entrant')} under "
        f"{counted(len(conditions), 'condition')}, by {feature}."
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("judge.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("explorer.html.j2").render(
        title=title,
        subtitle=subtitle,
        feature=feature,
        who=" ".join(text for text in (who, told) if text),
        left_out=[text for text in (left_out, *notes) if text],
        limits=[item.replace("`", "") for item in LIMITS],
        data=_json(data),
        library=Markup(library),
        script=Markup(script),
        hashes=" ".join(f"'{_hash(text)}'" for text in (library, script)),
        version=__version__,
    )
    write_text(out, html)
    return out, left_out


def _template(name: str) -> str:
    return (files("judge.report.html") / "templates" / name).read_text(encoding="utf-8")


def _json(data: Any) -> Markup:
    """JSON that no text in it can leave: < would end the script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(character, code)
    return Markup(text)


def _hash(script: str) -> str:
    """What the content-security policy knows a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _settings(fields: Sequence[Field], shown: Sequence[Field]) -> list[str]:
    """The settings of the runs, that with the most runs and people on the page first.

    Of several the last, which has the largest share where the share is the dose.
    """
    count = Counter(field.setting for field in fields)
    there = {field.setting for field in shown}
    names = list(dict.fromkeys(field.setting for field in fields))
    first = max(names, key=lambda name: (name in there, count[name], names.index(name)))
    return [first, *[name for name in names if name != first]]
