"""judge generate critic: a generator's discriminator as a judge."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from judge.cli.generate import people as beside
from judge.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

WHAT = (
    "let a generator's discriminator judge real people: its scores by group and skin tone, and who would win"
)

EPILOG = """\
The discriminator says how much a picture looks like those that it was trained on. It is told the people's labels as in
training (score critic), and nothing (critic_without_labels). Generated people of the same labels are judged as well.

examples
  judge generate critic --out critic                 of the generator that comes with judge
  judge generate critic --generator runs/fairface --data fairface root=DIR where.split=test --n 4000 --out critic
  judge audit critic/scores.csv --feature ethnicity --score critic_without_labels --bracket gender --places 5

OUT gets scores.csv (real people, as judge audit reads them), generated.csv, differences, tone, winners, settings.json
and page.html with a figure. No face is shown.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "--generator",
        metavar="DIR",
        default="packaged",
        help="packaged, or a folder of judge generate train (packaged)",
    )
    add("--out", type=Path, metavar="DIR", help="the folder to write; needed")
    beside.configure(parser, n=2000)
    add("--feature", action="append", default=[], metavar="COLUMN", help="to compare (all that are known)")
    add("--share", type=float, default=0.05, help="of the people who would win (.05)")
    add("--confidence", type=float, default=0.95, metavar="C", help="of every interval (.95)")


def run(args: argparse.Namespace) -> int:
    beside.check(args)
    if not 0 < args.share < 1:
        raise InputError(f"--share={args.share}: between 0 and 1")
    if not 0.5 <= args.confidence < 1:
        raise InputError(f"--confidence={args.confidence}: from .5 to below 1")
    import pandas as pd
    import torch

    from judge.data.spreadsheets import write_csv
    from judge.generator import critic as judging
    from judge.generator import load_generator
    from judge.generator.detection.people import features_of
    from judge.report.pages.critic import write_critic_page
    from judge.storage import make_writable, write_json

    critic = judging.load_critic(args.generator)
    generator = load_generator(args.generator)
    make_writable(args.out, inner=["figures"])
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    real = beside.read(args.data, args.n, critic.size, seed=args.seed, conditions=[critic.conditions])
    beside.say_left_out(real.left_out)
    features = features_of(real.people, args.feature or None)
    kept = list(dict.fromkeys(["image_id", *features, *critic.conditions.names, "ita", "rating"]))
    people = real.people[[c for c in kept if c in real.people]]
    scores = judging.scores_of(critic, real.pictures, people)
    made = generator.draw(people, seed=args.seed, progress=not args.quiet)
    generated = judging.scores_of(critic, made, people.drop(columns="image_id"))
    differences = [
        judging.group_differences(table, features, confidence=args.confidence).assign(people=name)
        for name, table in (("real", scores), ("generated", generated))
    ]
    tables = {
        "differences": pd.concat(differences, ignore_index=True),
        "tone": judging.tone_correlations(scores, features, confidence=args.confidence),
        "winners": judging.winners_by_group(scores, features, share=args.share, confidence=args.confidence),
        "left_out": real.left_out,
    }
    for name, table in {"scores": scores, "generated": generated, **tables}.items():
        write_csv(table, args.out / f"{name}.csv")
    note = beside.caution(generator, real.name)
    facts = {
        "generator": beside.name_of(args.generator),
        "discriminator": critic.kind,
        "told": list(critic.conditions.names),
        "data": real.name,
        "people": len(people),
        "seed": args.seed,
        "share": args.share,
        "confidence": args.confidence,
        "cautions": [note] if note else [],
    }
    write_json(args.out / "settings.json", facts)
    feature = f" --feature {features[0]}" if features else ""
    command = (
        f"judge audit {args.out / 'scores.csv'}{feature} --score {judging.UNTOLD} "
        f"--places {max(1, round(args.share * len(scores)))}"
    )
    print(said(tables, facts["data"], alpha=1 - args.confidence))
    for line in facts["cautions"]:
        print(f"caution: {line}")
    print(f"\npage: {write_critic_page(args.out, facts=facts, command=command, **tables)}")
    print(f"exact statistics of its winners: {command}")
    return 0


def said(tables: dict[str, pd.DataFrame], data: str, *, alpha: float = 0.05) -> str:
    """What is printed: sentences, and of the scores without labels a table each of means, tone and winners."""
    from judge.generator.critic import UNTOLD
    from judge.report.pages.critic import critic_said
    from judge.report.wording import number, p_text, percent

    lines = [f"the discriminator on {data}, told no labels; differences in standard deviations of all scores"]
    differences, tone, winners = (tables[name] for name in ("differences", "tone", "winners"))
    if differences.empty:
        return lines[0] + "\nno labels of groups"
    lines += ["", *critic_said(differences, tone, winners, alpha=alpha)]

    def part(title: str, table: pd.DataFrame, value: str, write: Callable[[float], str]) -> None:
        rows = table[table["score"] == UNTOLD]
        if rows.empty:
            return
        names = ["feature", "group", *(["winners"] if "winners" in rows else []), "n"]
        shown = rows[names].assign(value=rows[value].map(write))
        shown["limits"] = [
            f"[{write(a)}, {write(b)}]" for a, b in zip(rows["ci_low"], rows["ci_high"], strict=True)
        ]
        if "p_holm" in rows:
            shown["adjusted p"] = rows["p_holm"].map(p_text)
        lines.extend(["", title, shown.to_string(index=False)])

    part("mean scores against all others", differences[differences["people"] == "real"], "difference", number)
    part("rank correlation with lightness of skin", tone, "rho", number)
    part("winners", winners, "rate", percent)
    return "\n".join(lines)
