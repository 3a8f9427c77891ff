"""The page of one run: a skewed and a rebalanced pool, the same entrants, both outcomes side by side."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judge.report import figures, parts
from judge.report.page import (
    Block,
    Code,
    Column,
    Face,
    Faces,
    Items,
    Picture,
    Section,
    Table,
    Text,
    count,
    decimals,
    table_from,
    text_of,
    write_page,
)
from judge.report.style import as_group, in_order, number, p_text, percent

NOBODY = ("parametric", "generated")  # sources of faces that belong to nobody
FACES = 50  # winners shown a condition, at most
THUMBNAIL = 112  # pixels, the longer side


def write_run_report(
    rundir: Path, tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any], environment: Mapping[str, Any], *, show_faces: bool = False,
    feature: str | None = None,
) -> Path:  # fmt: skip
    """Writes rundir/figures/*.png|svg and rundir/page.html; returns the page.

    tables       manifest (all pictures; condition skewed, rebalanced or both; role entrant for the contestants, anything
                 else for the pool), ranking, audit, brackets and refused, each with a column `condition`; scores is
                 not needed, since the ranking holds the score that counted
    settings     the run's resolved settings, as plain containers; environment: versions, revision, seeds
    show_faces   also show photographs of real people; faces that belong to nobody are always shown
    feature      the sensitive feature of the page; without it pool.feature of the settings, else the audit's first
    """
    feature = feature or _get(settings, "pool", "feature") or str(tables["audit"]["feature"].iloc[0])
    audit = parts.conditioned(tables["audit"], "condition")
    pools = pool_table(tables["manifest"], feature)
    people = contestants(tables["manifest"], tables["ranking"], feature)
    benchmarks = chosen_otherwise(people)
    name = settings.get("name") or Path(rundir).name
    sections = [
        Section(
            "The question and the answer of this run",
            _summary(audit, pools, people, benchmarks, feature, settings),
        ),
        Section("The two training pools", _pools(pools, feature)),
        parts.winners_section(audit, feature, benchmarks=benchmarks),
        parts.ratio_section(audit, feature),
        parts.scores_section(people, audit, feature),
        parts.ranks_section(people, audit, feature, places=_places(tables)),
        parts.errors_section(people, audit, feature),
        parts.limits_section(_limits(settings, people)),
        Section("Brackets, and what was set aside", _aside(tables)),
        Section("Faces of the winners", _faces(people, show_faces)),
        parts.numbers_section(audit),
        Section("Settings, versions and how to run it again", _settings(Path(rundir), settings, environment)),
    ]
    return write_page(
        Path(rundir),
        title="Who wins when the pictures that train the judge are skewed?",
        subtitle=f"Run {name}: one judge trained on a skewed pool, one on a rebalanced pool of the same size, the same contestants before both.",
        sections=sections,
    )


def pool_table(manifest: pd.DataFrame, feature: str) -> pd.DataFrame:
    """condition, group, n, pool_n and, where the pools differ in weights, weight (summed over the group)."""
    pool = manifest[manifest["role"] != "entrant"]
    pool = pool.assign(group=as_group(pool[feature]))
    grouped = pool.groupby(["condition", "group"])
    index = pd.MultiIndex.from_product(
        [in_order(pool["condition"]), sorted(pool["group"].unique())], names=["condition", "group"]
    )
    table = grouped.size().reindex(index, fill_value=0).rename("n").to_frame()
    if "weight" in pool and pool["weight"].fillna(1.0).ne(1.0).any():
        weight = (
            pool.assign(weight=pool["weight"].fillna(1.0)).groupby(["condition", "group"])["weight"].sum()
        )
        table["weight"] = weight.reindex(index, fill_value=0.0)
    table = table.reset_index()
    table["pool_n"] = table.groupby("condition")["n"].transform("sum")
    return table


def contestants(manifest: pd.DataFrame, ranking: pd.DataFrame, feature: str) -> pd.DataFrame:
    """The ranking with group, rating, truth, path and source of each entrant; one row a condition × entrant."""
    entrants = manifest[manifest["role"] == "entrant"].drop_duplicates("image_id")
    kept = [c for c in ("image_id", feature, "rating", "truth", "path", "source") if c in entrants]
    people = ranking.merge(entrants[kept], on="image_id", how="left", validate="many_to_one")
    return people.assign(group=as_group(people[feature]))


def chosen_otherwise(people: pd.DataFrame) -> pd.DataFrame:
    """Whom the raters, and the known truth, would have chosen: the same number of winners in the same brackets.

    Columns condition, group, entrants, winners (no interval: there is nothing random in it). Ties fall by image_id.
    """
    names = {"truth": "by known truth", "rating": "by raters' mean"}
    first = people[people["condition"] == in_order(people["condition"])[0]]
    places = first.groupby("bracket")["winner"].sum()
    rows = []
    for column, name in names.items():
        if column not in first or first[column].isna().any():
            continue
        ordered = first.sort_values([column, "image_id"], ascending=[False, True])
        won = ordered.groupby("bracket").cumcount() < ordered["bracket"].map(places)
        for group, part in ordered.assign(won=won).groupby("group"):
            rows.append((name, group, len(part), int(part["won"].sum())))
    return pd.DataFrame(rows, columns=["condition", "group", "entrants", "winners"])


def _summary(
    audit: pd.DataFrame, pools: pd.DataFrame, people: pd.DataFrame, benchmarks: pd.DataFrame, feature: str, settings: Mapping[str, Any]
) -> list[Block]:  # fmt: skip
    conditions = in_order(pools["condition"])
    majority = _get(settings, "pool", "majority")
    if majority is None or majority not in set(pools["group"]):
        first = pools[pools["condition"] == conditions[0]]
        majority = first.loc[first["n"].idxmax(), "group"]
    shares = parts.winners_table(audit, feature)
    told = []
    for condition in conditions:
        pool = _one(pools, condition, majority)
        won = _one(shares, condition, majority)
        total = shares.loc[shares["condition"] == condition, "winners"].sum()
        if pool is None or won is None:
            continue
        told.append(
            f"Trained on the {condition} pool ({count(pool['n'])} of {count(pool['pool_n'])} pictures {majority}), the judge "
            f"chose {count(won['winners'])} {majority} of {count(total)} winners ({percent(won['winner_share'])}), "
            f"where {percent(won['entrant_share'])} of the entrants are {majority}."
        )
    for _, row in benchmarks[benchmarks["group"] == majority].iterrows():
        who = "The known truth" if "truth" in row["condition"] else "The raters' mean"
        told.append(f"{who} would have chosen {count(row['winners'])}.")
    return [
        Text(
            "A judge learns what is attractive from rated pictures. If most of those pictures show one group, who wins the contest "
            "that it judges, and does a rebalanced pool of the same size change that?",
            "lead",
        ),
        Text(" ".join(told)),
        Text(
            "This is one training run in each condition. Another seed draws another pool and other initial weights, and may choose "
            "other winners: from one seed no effect of the skew is claimed. `judge run -m` over seeds and `judge compare` measure it.",
            "caution",
        ),
        _side_by_side(audit, pools, shares, feature, str(majority), conditions),
    ]


def _side_by_side(
    audit: pd.DataFrame,
    pools: pd.DataFrame,
    shares: pd.DataFrame,
    feature: str,
    majority: str,
    conditions: Sequence[str],
) -> Table:
    lines: list[tuple[str, list[str]]] = []

    def add(heading: str, write: Any) -> None:
        lines.append((heading, [write(condition) for condition in conditions]))

    add("pictures in the training pool", lambda c: count(pools.loc[pools["condition"] == c, "n"].sum()))
    add(
        f"of them {majority}",
        lambda c: _cell(
            pools, c, majority, lambda r: f"{count(r['n'])} ({percent(r['n'] / max(r['pool_n'], 1))})"
        ),
    )
    if "weight" in pools:
        total = pools.groupby("condition")["weight"].sum()
        add(
            f"{majority}, by training weight",
            lambda c: _cell(pools, c, majority, lambda r: percent(r["weight"] / total[c])),
        )
    add("entrants", lambda c: count(shares.loc[shares["condition"] == c, "entrants"].sum()))
    add("winners", lambda c: count(shares.loc[shares["condition"] == c, "winners"].sum()))
    groups = sorted(shares["group"].unique())
    for group in groups[:12]:
        add(
            f"winners {group}",
            lambda c, g=group: _cell(
                shares, c, g, lambda r: f"{count(r['winners'])} ({percent(r['winner_share'])})"
            ),
        )
    ratios = parts.rows_of(audit, "selection_rate_ratio", feature=feature)
    for group in [g for g in groups if g in set(ratios["group"])][:12]:
        add(
            f"selection-rate ratio, {group} to {parts.reference_of(ratios)}",
            lambda c, g=group: _cell(
                ratios,
                c,
                g,
                lambda r: (
                    f"{number(r['value'])} [{number(r['ci_low'])}, {number(r['ci_high'])}], p {p_text(r['p_value'])}"
                ),
            ),
        )
    errors = parts.rows_of(audit, "pearson", feature=feature)
    for group in [g for g in groups if g in set(errors["group"])][:12]:
        add(
            f"Pearson correlation with ratings, {group}",
            lambda c, g=group: _cell(errors, c, g, lambda r: number(r["value"])),
        )
    columns = [Column("", numeric=False), *(Column(c) for c in conditions)]
    note = "Brackets: 95 % intervals over entrants, the trained judges taken as given."
    if len(groups) > 12:
        note += f" {len(groups) - 12} more groups are in the tables below."
    return Table("The two conditions side by side.", columns, [[h, *cells] for h, cells in lines], note)


def _pools(pools: pd.DataFrame, feature: str) -> list[Block]:
    sizes = pools.groupby("condition")["n"].sum()
    same = sizes.nunique() == 1
    text = f"Both pools hold {count(sizes.iloc[0])} pictures" if same else "The pools differ in size"
    listed = "; ".join(f"{r.condition} {r.group} {r.n:,}" for r in pools.head(24).itertuples())
    return [
        Text(f"{text}, so that {'skew is not confused with size' if same else 'skew and size are confused in what follows'}."
             + (" The rebalanced pool counts its pictures by weight." if "weight" in pools else ""), "plain" if same else "caution"),
        Picture("pools", figures.pool_composition(pools), f"Composition of the two training pools by {feature}.",
                f"Training pools by {feature}: {listed}."),
        table_from(
            pools,
            {"condition": Column("condition", text_of, numeric=False), "group": Column("group", text_of, numeric=False),
             "n": Column("pictures", count), "pool_n": Column("of", count)}
            | ({"weight": Column("summed weight", decimals(1))} if "weight" in pools else {}),
            "Training pictures.",
        ),
    ]  # fmt: skip


def _limits(settings: Mapping[str, Any], people: pd.DataFrame) -> list[str]:
    items = [
        "One training run in each condition. Seeds differ from one another about as much as a moderate skew does; nothing here "
        "separates the two.",
        "Intervals and p-values treat the trained judges as given. They say how the result would vary with other entrants, not with "
        "another training.",
        "Ratings are opinions of particular people. A judge that agrees with them repeats them, their unevenness included; no score is "
        "a property of a face.",
        "Rebalancing evens out how many pictures of each group are seen. Ratings that are uneven between the groups stay uneven.",
        "Groups are labels of the data set. They are neither what people say of themselves nor skin tones.",
        "Several groups and measures are compared; a p-value below .05 among many is expected by chance. The adjusted ones are in the table.",
    ]
    sources = set(people["source"].dropna()) if "source" in people else set()
    if "parametric" in sources:
        items.append(
            "The faces are rendered from parameters, and their raters are simulated. What holds here holds for rendered faces."
        )
    if "generated" in sources:
        items.append("The faces are made by a generator, whose own training may be skewed.")
    if settings.get("entrants_data"):
        items.append(
            "The entrants come from another data set than the training pictures: crop, light and camera differ too (a domain shift)."
        )
    if _get(settings, "pool", "rating_shift"):
        items.append(
            f"A shift of ratings was planted in the pools: {_get(settings, 'pool', 'rating_shift')}."
        )
    return items


def _aside(tables: Mapping[str, pd.DataFrame]) -> list[Block]:
    blocks: list[Block] = []
    if "brackets" in tables and len(tables["brackets"]):
        blocks.append(parts.brackets_table(tables["brackets"]))
    if "refused" in tables:
        blocks.append(parts.reasons_table(tables["refused"], "Entrants that were not ranked, by reason."))
    if "rejected" in tables:
        blocks.append(
            parts.reasons_table(
                tables["rejected"], "Pictures of the data sets that could not be used, by reason."
            )
        )
    return blocks


def _faces(people: pd.DataFrame, show_faces: bool) -> list[Block]:
    if not {"path", "source"} <= set(people.columns):
        return []
    blocks: list[Block] = []
    for condition in in_order(people["condition"]):
        won = people[(people["condition"] == condition) & people["winner"].astype(bool)].sort_values(
            ["bracket", "rank"]
        )
        shown = won if show_faces else won[won["source"].isin(NOBODY)]
        faces = [face for face in map(_face, shown.head(FACES).itertuples()) if face]
        hidden = len(won) - len(shown)
        said = f"{hidden} of {len(won)} winners are real people and are not shown." if hidden else ""
        if faces:
            nobody = " Nobody of them exists." if set(shown["source"]) <= set(NOBODY) else ""
            missing = len(shown) - len(faces)
            more = f" {missing} more are not shown here." if missing else ""
            blocks.append(
                Faces(
                    f"Winners with the {condition} pool, by bracket and rank.{nobody}{more} {said}".strip(),
                    faces,
                )
            )
        elif said:
            blocks.append(Text(f"{condition}: {said}"))
    return blocks


def _face(row: Any) -> Face | None:
    from PIL import Image

    try:
        with Image.open(row.path) as image:
            small = image.convert("RGB")
            small.thumbnail((THUMBNAIL, THUMBNAIL))
    except (OSError, ValueError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82)
    return Face(buffer.getvalue(), f"{row.bracket}, {row.rank}: {row.group}")


def _settings(rundir: Path, settings: Mapping[str, Any], environment: Mapping[str, Any]) -> list[Block]:
    import yaml

    command = environment.get("command")
    started = rundir / "started.json"
    if command is None and started.is_file():
        command = json.loads(started.read_text(encoding="utf-8")).get("command")
    plain = json.loads(json.dumps(settings, default=str))
    packages = environment.get("packages") or {}
    facts = [
        f"{key}: {value}"
        for key, value in environment.items()
        if key not in ("packages", "command") and value not in (None, {}, [])
    ]
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    blocks: list[Block] = []
    if command:
        blocks += [Text("The command that made this run:"), Code(str(command))]
    blocks += [
        Text("The same settings in one file, as resolved:"),
        Code(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)),
    ]
    blocks.append(Items([*facts, f"packages: {versions}"] if versions else facts))
    return blocks


def _places(tables: Mapping[str, pd.DataFrame]) -> int | None:
    """Places a bracket, where every bracket has as many."""
    brackets = tables.get("brackets")
    if brackets is None or "places" not in brackets or brackets["places"].nunique() != 1:
        return None
    return int(brackets["places"].iloc[0])


def _one(table: pd.DataFrame, condition: str, group: str) -> pd.Series | None:
    rows = table[(table["condition"] == condition) & (table["group"] == group)]
    return rows.iloc[0] if len(rows) else None


def _cell(table: pd.DataFrame, condition: str, group: str, write: Any) -> str:
    row = _one(table, condition, group)
    return "–" if row is None else write(row)


def _get(settings: Mapping[str, Any], *keys: str) -> Any:
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None  # type: ignore[assignment]
    return settings
