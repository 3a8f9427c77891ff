"""Camera: whether a group's pictures changed more than the others' between training and contest."""

from __future__ import annotations

import pandas as pd

from judge.fairness.advice.evidence import Found, welch

#: What is measured of a picture, and the measure of its change.
LIGHT = {"exposure": "exposure_change", "contrast": "contrast_change"}


def light_changes(entrants: pd.DataFrame, training: pd.DataFrame | None, *, confidence: float) -> Found:
    """The change of exposure and contrast from training to contest, less the mean change of the other groups.

    entrants, training  group, and exposure or contrast or both (finite, any unit, the same in both)

    A difference in differences of group means, with Welch's interval. A group's level alone says nothing: dark skin is
    darker under any camera. Sizes are in standard deviations within groups.
    """
    found = Found()
    there = [name for name in LIGHT if name in entrants]
    if not there:
        found.unknown.append(("camera", "neither exposure nor contrast of the entrants’ pictures is known"))
        return found
    for name in there:
        for group, values in entrants.groupby("group")[name]:
            known = values.dropna()
            found.rows.append(
                {"skew": "camera", "group": group, "measure": f"{name}_mean", "value": known.mean(), "n": len(known),
                 "detail": "entrants"}
            )  # fmt: skip
    there = [name for name in there if training is not None and name in training]
    if not there or training is None:
        found.unknown.append(
            ("camera", "the light of the training pictures is not known, so that a darker picture cannot be told from "
                       "darker skin")
        )  # fmt: skip
        return found
    for name in there:
        cells = {
            (part, group): values.dropna().to_numpy(float)
            for part, table in (("contest", entrants), ("training", training))
            for group, values in table.groupby("group")[name]
        }
        groups = [
            group
            for group in sorted({group for _, group in cells})
            if all(len(cells.get((part, group), ())) > 1 for part in ("contest", "training"))
        ]
        lacking = sorted({group for _, group in cells} - set(groups))
        if lacking:
            found.unknown.append(
                ("camera", f"fewer than two pictures at training or contest: {', '.join(lacking)}")
            )
        if len(groups) < 2:
            continue
        scale = float(
            pd.Series([cells[part, g].std(ddof=1) for part in ("contest", "training") for g in groups]).mean()
        )
        for group in groups:
            others = -1 / (len(groups) - 1)
            own = cells["contest", group].mean() - cells["training", group].mean()
            changed = f"{own:+.2f}".replace("-", "−")
            weighted = [
                (sign * (1.0 if g == group else others), cells[part, g])
                for g in groups
                for part, sign in (("contest", 1.0), ("training", -1.0))
            ]
            value, low, high, p = welch(weighted, confidence)
            found.rows.append(
                {"skew": "camera", "group": group, "measure": LIGHT[name], "value": value,
                 "n": sum(len(cells[part, group]) for part in ("contest", "training")), "ci_low": low, "ci_high": high,
                 "p_value": p, "size": value / scale if scale > 0 else 0.0,
                 "test": "Welch’s t, difference in differences",
                 "detail": f"its own change {changed}; "
                           f"{len(cells['contest', group]):,} pictures of the contest, "
                           f"{len(cells['training', group]):,} of the training"}
            )  # fmt: skip
    return found
