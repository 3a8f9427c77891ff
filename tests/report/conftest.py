"""A small run, made by hand: two conditions, two groups, two brackets; every number can be counted."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

GROUPS = ("dark", "light")


def audit_rows(condition, winners, *, entrants=(6, 6), feature="ethnicity"):
    """Audit rows of winners by group, the second group being the reference; intervals are made up."""
    total = sum(winners)
    rows = []
    for group, n, won in zip(GROUPS, entrants, winners, strict=True):
        rate = won / n if n else np.nan
        rows += [
            ("entrant_share", group, n / sum(entrants), n, np.nan, np.nan, np.nan),
            ("winner_share", group, won / total, total, 0.1, 0.9, 0.25),
            ("selection_rate", group, rate, n, 0.05, 0.8, np.nan),
            ("pearson", group, 0.5, n, 0.2, 0.7, np.nan),
            ("mae", group, 0.9, n, 0.7, 1.1, np.nan),
            ("signed_error", group, -0.3, n, -0.5, -0.1, np.nan),
        ]
    ratio = (
        (winners[0] / entrants[0]) / (winners[1] / entrants[1]) if all(entrants) and winners[1] else np.nan
    )
    rows.append(("selection_rate_ratio", "dark", ratio, entrants[0], 0.05, 1.5, 0.25))
    table = pd.DataFrame(rows, columns=["metric", "group", "value", "n", "ci_low", "ci_high", "p_value"])
    return table.assign(feature=feature, test="", condition=condition, bracket="all", reference="light")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "face.png"
    Image.new("RGB", (64, 64), (200, 150, 120)).save(path)
    return str(path)


@pytest.fixture
def run_tables(picture):
    """12 entrants, 4 winners; skewed: 1 dark and 3 light win, rebalanced: 2 and 2; pools of 10."""
    entrants = pd.DataFrame(
        {
            "image_id": [f"e{i}" for i in range(12)],
            "ethnicity": ["dark"] * 6 + ["light"] * 6,
            "gender": ["f", "f", "f", "m", "m", "m"] * 2,
            "rating": np.linspace(2, 6, 12),
            "source": "parametric",
            "path": picture,
            "role": "entrant",
            "condition": "both",
        }
    )
    pools = [
        pd.DataFrame(
            {
                "image_id": [f"{name}{i}" for i in range(10)],
                "ethnicity": ["dark"] * dark + ["light"] * (10 - dark),
            }
        ).assign(role="pool", condition=name, rating=5.0, source="parametric", path=picture)
        for name, dark in (("skewed", 1), ("rebalanced", 5))
    ]
    ranking = []
    for name, winners in (("skewed", ["e0", "e6", "e9", "e10"]), ("rebalanced", ["e0", "e6", "e3", "e9"])):
        table = entrants[["image_id"]].assign(
            bracket=entrants["gender"], winner=entrants["image_id"].isin(winners)
        )
        table["score"] = np.linspace(4, 5, 12) + 2.0 * table["winner"]
        table["rank"] = table.groupby("bracket")["score"].rank(ascending=False).astype(int)
        ranking.append(table.assign(condition=name))
    brackets = pd.DataFrame(
        {
            "bracket": ["f", "m", "x"],
            "entrants": [6, 6, 0],
            "places": 2,
            "winners": [2, 2, 0],
            "unfilled": [0, 0, 2],
        }
    )
    return {
        "manifest": pd.concat([*pools, entrants], ignore_index=True),
        "ranking": pd.concat(ranking, ignore_index=True),
        "audit": pd.concat(
            [audit_rows("skewed", (1, 3)), audit_rows("rebalanced", (2, 2))], ignore_index=True
        ),
        "brackets": pd.concat([brackets.assign(condition=c) for c in ("skewed", "rebalanced")]),
        "refused": pd.DataFrame(
            {"condition": ["skewed"], "image_id": ["e99"], "reason": ["a broken picture"]}
        ),
    }


@pytest.fixture
def settings():
    return {
        "name": "tiny",
        "seed": 0,
        "pool": {"feature": "ethnicity", "majority": "light", "majority_share": 0.9},
    }
