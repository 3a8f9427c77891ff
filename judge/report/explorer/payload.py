"""What the page carries: the fields as JSON with numbers in base64, and what was left out where there is too much.

A page is one file that a browser has to hold and to draw, and every change of a weight ranks all contests again. With
MOST_NUMBERS numbers it has about 4 MB, 0.9 of them the drawing library, and answers a slider in a fifth of a second
(two busy cores, Chromium; 400,000 numbers: 6.5 MB and a third of a second). More would still load, but the page would
no longer follow the hand. So whole runs are taken by lot up to that limit, the same each time. A single field beyond it
is sampled by people, by lot; its contests cannot be held again then, as who wins depends on everybody.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judge.report.explorer.field import Field, Held

#: Scores and ranks that a page holds, unless asked for more.
MOST_NUMBERS = 250_000


def taken(fields: Sequence[Field], most: int) -> tuple[list[Field], str]:
    """The fields whose people the page holds, and a sentence on what was left out ("" where nothing was)."""
    if sum(field.numbers for field in fields) <= most:
        return list(fields), ""
    order = np.random.default_rng(0).permutation(len(fields))
    chosen: list[int] = []
    room = most
    for i in order:
        if fields[i].numbers <= room:
            chosen.append(int(i))
            room -= fields[i].numbers
    if chosen:
        kept = [fields[i] for i in sorted(chosen)]
        text = (
            f"Winners are counted in all {len(fields):,} runs; entrants are shown of {len(kept):,}, drawn by lot "
            f"(a page holds {most:,} numbers; --most changes that)."
        )
        return kept, text
    one = fields[int(order[0])]
    share = most / one.numbers
    n = max(1, int(len(one) * share))
    who = np.sort(np.random.default_rng(1).choice(len(one), n, replace=False))
    text = (
        f"Winners are counted among all {len(one):,} entrants; {n:,} of them, drawn by lot, are shown (a page holds "
        f"{most:,} numbers; --most changes that). A sample cannot be ranked again: who wins depends on everybody."
    )
    return [_sampled(one, who)], text if len(
        fields
    ) == 1 else f"{len(fields):,} runs, of which one is shown. {text}"


def _sampled(field: Field, who: NDArray[np.int64]) -> Field:
    told = "the page holds a sample of the entrants, and who wins depends on everybody"
    arrays = ("scores", "final", "rank", "winner", "reason", "judged", "eligible", "scope")
    contests = {
        name: dataclasses.replace(
            held, fixed=told, sizes=_sizes(field, held), **{key: getattr(held, key)[who] for key in arrays}
        )
        for name, held in field.contests.items()
    }
    return dataclasses.replace(
        field,
        ids=field.ids[who],
        group=field.group[who],
        bracket=field.bracket[who],
        lot=field.lot[who],
        features={name: values[who] for name, values in field.features.items()},
        pictures=None if field.pictures is None else field.pictures[who],
        contests=contests,
    )


def _sizes(field: Field, held: Held) -> dict[str, int]:
    """How many are ranked in each bracket."""
    names, counts = np.unique(field.bracket[held.rank > 0].astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def payload(
    fields: Sequence[Field],
    shown: Sequence[Field],
    conditions: Sequence[str],
    feature: str,
    faces: Sequence[dict[int, str]] = (),
) -> dict[str, Any]:
    """Everything that the page's script reads, JSON-able.

    fields  all, for the shares of the winners         shown  those whose people are on the page
    faces   of each field shown, number of a person → address that holds the picture
    """
    groups = sorted({str(group) for field in fields for group in np.unique(field.group.astype(str))})
    return {
        "feature": feature,
        "conditions": list(conditions),
        "groups": groups,
        "shares": _shares(fields, groups),
        "entered": _entered(fields, groups),
        "fields": [
            _field(field, groups, faces[i] if i < len(faces) else {}) for i, field in enumerate(shown)
        ],
    }


def _shares(fields: Sequence[Field], groups: Sequence[str]) -> list[dict[str, Any]]:
    """A row a run, condition and group: winners, of how many."""
    rows = []
    for field in fields:
        counts = field.winner_counts()
        for condition, held in field.contests.items():
            of = int(held.winner.sum())
            for group in groups:
                won = counts.get((condition, group), 0)
                rows.append(
                    {"run": field.run, "setting": field.setting, "condition": condition, "group": group,
                     "winners": won, "of": of}
                )  # fmt: skip
    return rows


def _entered(fields: Sequence[Field], groups: Sequence[str]) -> dict[str, float]:
    """Share of each group among all who entered, over all runs."""
    total = sum(len(field) for field in fields)
    return {
        group: sum(int((field.group == group).sum()) for field in fields) / total if total else 0.0
        for group in groups
    }


def _field(field: Field, groups: Sequence[str], faces: dict[int, str]) -> dict[str, Any]:
    brackets, bracket = _coded(field.bracket)
    index = {group: i for i, group in enumerate(groups)}
    return {
        "run": field.run,
        "setting": field.setting,
        "places": field.places,
        "ids": [str(i) for i in field.ids],
        "group": packed(np.array([index[str(group)] for group in field.group], np.int32)),
        "brackets": brackets,
        "bracket": packed(bracket),
        "lot": packed(field.lot.astype(np.int32)),
        "features": {name: dict(zip(("names", "codes"), _packed_codes(values), strict=True))
                     for name, values in field.features.items()},
        "faces": {str(i): uri for i, uri in faces.items()},
        "contests": {name: _held(field, held) for name, held in field.contests.items()},
    }  # fmt: skip


def _held(field: Field, held: Held) -> dict[str, Any]:
    reasons, reason = _coded(held.reason)
    return {
        "judges": list(held.judges),
        "scores": [packed(held.scores[:, k]) for k in range(len(held.judges))],
        "final": packed(held.final),
        "sizes": _sizes(field, held) if held.sizes is None else dict(held.sizes),
        "rank": packed(held.rank.astype(np.int32)),
        "winner": packed(held.winner.astype(np.uint8)),
        "reasons": reasons,
        "reason": packed(reason),
        "judged": packed(held.judged.astype(np.uint8)),
        "eligible": packed(held.eligible.astype(np.uint8)),
        "scope": packed(held.scope.astype(np.int32)),
        "panel": dict(held.panel),
        "gated": held.gated,
        "fixed": held.fixed,
    }


def _coded(values: NDArray[Any]) -> tuple[list[str], NDArray[np.int32]]:
    names, codes = np.unique(np.array([str(v) for v in values]), return_inverse=True)
    return names.tolist(), codes.astype(np.int32)


def _packed_codes(values: NDArray[Any]) -> tuple[list[str], dict[str, str]]:
    names, codes = _coded(values)
    return names, packed(codes)


def packed(values: NDArray[Any]) -> dict[str, str]:
    """{kind, bytes}: little-endian numbers in base64, floats in 32 bits where that loses nothing."""
    if values.dtype.kind == "f":
        short = values.astype(np.float32)
        same = np.array_equal(short.astype(np.float64), values, equal_nan=True)
        array, kind = (short, "f4") if same else (values.astype(np.float64), "f8")
    else:
        array, kind = values, {"i": "i4", "u": "u1"}[values.dtype.kind]
    return {"kind": kind, "bytes": base64.b64encode(array.astype(f"<{kind}").tobytes()).decode("ascii")}
