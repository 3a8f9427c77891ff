"""Small runs made by hand: one of two conditions in which every number can be counted, others of any size."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

GROUPS = ("dark", "light", "tan", "pale", "brown", "olive", "ruddy")
# names that no code can know
NAMES = (
    "untouched",
    "evened",
    "weighed",
    "robust",
    "last_layer",
    "within",
    "no_gate",
    "panel",
    "rival",
    "drawn",
)


def _audit_rows(condition, winners, *, entrants=None, groups=GROUPS, feature="ethnicity"):
    entrants = entrants or (6,) * len(winners)
    total, rows = sum(winners), []
    rates = [won / n if n else np.nan for won, n in zip(winners, entrants, strict=True)]
    for group, n, won, rate in zip(groups, entrants, winners, rates, strict=False):
        rows += [
            ("entrant_share", group, n / sum(entrants), n, np.nan, np.nan, np.nan),
            ("winner_share", group, won / total, total, 0.1, 0.9, 0.25),
            ("selection_rate", group, rate, n, 0.05, 0.8, np.nan),
            ("pearson", group, 0.5, n, 0.2, 0.7, np.nan),
            ("mae", group, 0.9, n, 0.7, 1.1, np.nan),
            ("signed_error", group, -0.3, n, -0.5, -0.1, np.nan),
        ]
        if group != "light":
            ratio = rate / rates[1] if rates[1] else np.nan
            rows.append(("selection_rate_ratio", group, ratio, n, 0.05, 1.5, 0.25))
    table = pd.DataFrame(rows, columns=["metric", "group", "value", "n", "ci_low", "ci_high", "p_value"])
    return table.assign(feature=feature, test="", condition=condition, bracket="all", reference="light")


@pytest.fixture(scope="session")
def audit_rows():
    """Function: audit rows of winners by group, the second group being the reference; intervals are made up."""
    return _audit_rows


@pytest.fixture(scope="session")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "face.png"
    Image.new("RGB", (64, 64), (200, 150, 120)).save(path)
    return str(path)


def _tables(picture, conditions, groups, winners_of, pool_of, each=6):
    """Tables of a run: `each` entrants a group, half in bracket f and half in m, and pools of ten."""
    n = each * len(groups)
    entrants = pd.DataFrame(
        {
            "image_id": [f"e{i}" for i in range(n)],
            "ethnicity": np.repeat(groups, each),
            "gender": (["f"] * (each // 2) + ["m"] * (each // 2)) * len(groups),
            "rating": np.linspace(2, 6, n),
            "source": "parametric",
            "path": picture,
        }
    )
    pictures, membership, ranking, audits = [entrants], [], [], []
    for name in conditions:
        pool = pool_of(name)
        if pool is not None:
            ids = [f"{name}{i}" for i in range(len(pool))]
            pictures.append(entrants.iloc[: len(pool)].assign(image_id=ids, ethnicity=pool, rating=5.0))
            member = pd.DataFrame(
                {"image_id": ids, "condition": name, "copies": 1, "weight": 1.0, "rating": 5.0}
            )
            membership.append(member.assign(role=["validation", *["train"] * (len(pool) - 1)]))
        member = entrants[["image_id", "rating"]].assign(condition=name, copies=1, weight=1.0, role="entrant")
        membership.append(member)
        won = entrants["image_id"].isin(winners_of(name))
        table = entrants[["image_id"]].assign(bracket=entrants["gender"], winner=won)
        table["score"] = np.linspace(4, 5, n) + 2.0 * won
        table["rank"] = table.groupby("bracket")["score"].rank(ascending=False).astype(int)
        ranking.append(table.assign(condition=name))
        counts = tuple(int(won[entrants["ethnicity"] == group].sum()) for group in groups)
        audits.append(_audit_rows(name, counts, entrants=(each,) * len(groups), groups=groups))
    half, places = n // 2, len(winners_of(conditions[0])) // 2
    brackets = pd.DataFrame(
        {
            "bracket": ["f", "m", "x"],
            "entrants": [half, half, 0],
            "places": places,
            "winners": [places, places, 0],
            "unfilled": [0, 0, places],
        }
    )
    return {
        "manifest": pd.concat(pictures, ignore_index=True),
        "membership": pd.concat(membership, ignore_index=True),
        "ranking": pd.concat(ranking, ignore_index=True),
        "audit": pd.concat(audits, ignore_index=True),
        "brackets": pd.concat([brackets.assign(condition=c) for c in conditions], ignore_index=True),
        "unranked": pd.DataFrame(
            {"condition": [conditions[0]], "image_id": ["e99"], "reason": ["a broken picture"]}
        ),
        "excluded": pd.DataFrame(columns=["item", "reason", "detail", "dataset"]),
    }


@pytest.fixture
def run_tables(picture):
    """12 entrants, 4 winners; untouched: 1 dark and 3 light win, evened: 2 and 2; pools of 1 and 5 dark of 10."""
    won = {"untouched": ["e0", "e6", "e9", "e10"], "evened": ["e0", "e6", "e3", "e9"]}
    pools = {"untouched": ["dark"] + ["light"] * 9, "evened": ["dark"] * 5 + ["light"] * 5}
    return _tables(picture, list(won), GROUPS[:2], won.get, pools.get)


@pytest.fixture(scope="session")
def made_run(picture):
    """Function of how many conditions and groups: tables, conditions, trained_as. Every third one trains nothing."""

    def make(conditions, groups=3, truth=False):
        names = list(NAMES[:conditions])
        trained_as = dict.fromkeys(names[2::3], names[0])
        rng = np.random.default_rng(conditions)
        n = 6 * groups
        won = {name: [f"e{i}" for i in rng.choice(n, 8, replace=False)] for name in [*names, "truth"]}
        pools = {name: rng.choice(GROUPS[:groups], 10).tolist() for name in names if name not in trained_as}
        tables = _tables(
            picture, [*names, *(["truth"] if truth else [])], GROUPS[:groups], won.get, pools.get
        )
        no_errors = (tables["audit"]["condition"] != "truth") | ~tables["audit"]["metric"].isin(
            ["pearson", "mae", "signed_error"]
        )
        return {**tables, "audit": tables["audit"][no_errors]}, names, trained_as

    return make


@pytest.fixture(scope="session")
def settings():
    return {
        "name": "tiny",
        "seed": 7,
        "data": {"_target_": "judge.data.parametric.dataset.read_parametric", "n": 2000},
        "judge": {"_target_": "judge.jury.beauty.CnnJudge", "backbone": "small_net"},
        "contest": {"brackets": ["gender"], "tie_seed": 0},
        "pool": {"feature": "ethnicity", "majority": "light", "majority_share": 0.9},
        "conditions": {
            "untouched": {},
            "evened": {"pool": {"_target_": "judge.mitigation.pools.Redraw", "shares": None}},
            "weighed": {"trained_as": "untouched", "jury": {"gate": None}},
            "robust": {"objective": {"_target_": "x.GroupDRO", "step": 0.01}},
        },
    }


class Seen(HTMLParser):
    """Tags with attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.text += " " if tag == "td" else ""

    def handle_data(self, data):
        self.text += data

    @property
    def flat(self):
        """The text with single spaces."""
        return re.sub(r"\s+", " ", self.text)


def _assert_safe(path):
    html = path.read_text(encoding="utf-8")
    seen = Seen(html)
    for tag, attributes in seen.tags:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("data:", "#"))
        if tag == "img":
            assert attributes["alt"]
    policy = [a["content"] for tag, a in seen.tags if tag == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    style = re.search(r"<style>(.*?)</style>", html, re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    return seen


@pytest.fixture(scope="session")
def assert_safe():
    """Function: no script, no handler, no address outside the page, words for every image; returns what is seen."""
    return _assert_safe
