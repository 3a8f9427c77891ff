"""judge private attack: who was in a training, by the judge or the synthetic pool that came of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

    from judge.privacy.attacks import AttackStudy, AttackTables, Trainer

WHAT = "tell from a judge, or from a synthetic pool, whose pictures were in the training, and which ε that proves"

EPILOG = """\
settings (KEY=VALUE, as of judge run)
  data=NAME data.KEY=VALUE       a data set of conf/data: parametric, mebeauty, folder …
  run=FOLDER condition=NAME      instead of it the pool of a finished run
  where.KEY=VALUE                only people of this group, e.g. where.split=train
  judge=NAME judge.KEY=VALUE     the judge that is trained: embedding (seconds a training), cnn …
  seed=N

a judge: --targets judges are trained on people who are in by a coin each, --shadows others on random halves; what the
shadows make of a person with and without them says whether a target has seen them. Controls: --overfit plants a judge
that passes through every rating, which must be found; --random-labels asks about people whom no coin of a training
decided on, which must find nothing; --epsilon trains a private head, which must be found no better than ε allows
a pool: --pool DIR is a folder of synthetic pictures and --members says from which people of the data it was made. Of
the others half are non-members, half the reference by which distances and densities are calibrated

examples
  judge private attack data.n=2000 data.size=64 --out attack
  judge private attack data.n=2000 data.size=64 --overfit --out attack/overfit
  judge private attack data.n=2000 data.size=64 --epsilon 1 --out attack/private
  judge private attack data=mebeauty data.root=DIR judge=cnn_photo --shadows 4 --targets 2 --out attack/photographs
  judge private attack data.n=4000 data.size=64 --pool pool --members split=train --claimed 10 --out attack/pool
  judge private attack data=folder data.root=DIR --pool pool --members members.txt --out attack/pool

OUT gets page.html with figures, rates, differences (by group), roc and audit as CSV and Parquet, and attack.json. No
picture and no name of anybody is written.
"""

#: Shadows where a training is a regression on features that were read once, and where it is a network.
SHADOWS, SHADOWS_NETWORK = 64, 8
#: Public people of whom a private head learns what features look like.
PUBLIC = 400


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("overrides", nargs="*", metavar="KEY=VALUE", help="settings, see below")
    add("--out", type=Path, metavar="DIR", help="where page, figures and tables go; needed")
    add("--pool", type=Path, metavar="DIR", help="attack this folder of synthetic pictures, not judges")
    add(
        "--members",
        metavar="COLUMN=VALUE|FILE",
        help="from whom the pool was made: a group, or a file with a name a line",
    )
    add("--targets", type=int, default=5, help="judges attacked (%(default)s)")
    add(
        "--shadows",
        type=int,
        help=f"an even number from 4 on ({SHADOWS} with judge=embedding, else {SHADOWS_NETWORK})",
    )
    add("--overfit", action="store_true", help="plant a leak: the embedding judge without a penalty")
    add(
        "--epsilon",
        type=float,
        metavar="E",
        help="train a private linear head under this ε; it is then claimed",
    )
    add("--delta", type=float, metavar="D", help="of the budget, at most 1 / (n ln n), which is the default")
    add("--claimed", type=float, metavar="E", help="ε that is claimed of what is attacked (none)")
    add(
        "--random-labels", action="store_true", help="members by coins that no training has seen: the control"
    )
    add(
        "--group",
        metavar="COLUMN",
        default="ethnicity",
        help="feature by which rates are given (%(default)s)",
    )
    add("--fpr", default=".01,.001", metavar="A,B", help="rates of false alarms (%(default)s)")
    add("--guesses", type=int, metavar="N", help="of the one-run audit, even (a tenth of the people)")
    add("--confidence", type=float, default=0.95, metavar="C", help="of every interval (%(default)s)")
    add("--settings", action="store_true", help="print the settings and stop")
    add("--quiet", action="store_true", help="no progress bar")


class Attacked(NamedTuple):
    """What came of an attack, and what is said of it."""

    tables: AttackTables
    what: str
    notes: list[str]


def run(args: argparse.Namespace) -> int:
    from omegaconf import OmegaConf

    settings = composed(args.overrides)
    if args.settings:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    checked(args, settings)
    from judge.storage import make_writable

    make_writable(args.out, inner=["figures"])
    manifest, facts, notes = people_of(args, settings)
    groups = None
    if args.group in manifest:
        groups = manifest[args.group].astype("str").fillna("(missing)").to_numpy()
    else:
        notes.append(f"The data have no {args.group}: nothing is told by group.")
    if args.pool:
        found = of_pool(args, settings, manifest, groups)
    else:
        found = of_judges(args, settings, manifest, facts, groups)
    notes += found.notes
    page = write_all(
        args.out, found._replace(notes=notes), facts={"data": str(facts["data"]), "seed": settings.seed}
    )
    from judge.report.pages.attack import attack_said

    print("\n".join(attack_said(found.tables.rates, found.tables.differences, found.tables.audit)))
    for note in notes:
        print(f"- {note}")
    print(f"\npage: {page}")
    return 0


def checked(args: argparse.Namespace, settings: DictConfig) -> None:
    """Raises InputError for options that cannot be meant, before any work."""
    if args.out is None:
        raise InputError("attack needs --out DIR, the folder to write")
    if not isinstance(settings.seed, int) or not 0 <= settings.seed < 2**32:
        raise InputError(f"seed={settings.seed}: a whole number from 0 to {2**32 - 1}")
    if (args.pool is None) != (args.members is None):
        raise InputError(
            "--pool DIR and --members COLUMN=VALUE or FILE belong together: one of them is missing"
        )
    if args.pool and (args.overfit or args.epsilon is not None):
        raise InputError("--overfit and --epsilon train judges; an attack on a --pool trains nothing")
    if args.overfit and args.epsilon is not None:
        raise InputError("--overfit and --epsilon are two judges: give one of them")
    if args.epsilon is not None and args.claimed is not None:
        raise InputError(
            "--epsilon is what is claimed: --claimed is for judges and pools that were made otherwise"
        )
    for name in ("epsilon", "claimed"):
        value = getattr(args, name)
        if value is not None and not 0 < value < np.inf:
            raise InputError(f"--{name}={value}: over 0 and finite")
    if args.delta is not None and not 0 < args.delta < 1:
        raise InputError(f"--delta={args.delta}: between 0 and 1")
    embedding = settings.judge._target_.endswith("EmbeddingJudge")
    if (args.overfit or args.epsilon is not None) and not embedding:
        raise InputError("--overfit and --epsilon are heads on frozen features: take judge=embedding")
    if args.shadows is None:
        args.shadows = SHADOWS if embedding else SHADOWS_NETWORK
    study_of(args, settings, people=100)  # refuses what the study does
    if args.pool:
        from judge.cli.private.attack_on_pool import pool_rows

        pool_rows(args.pool)


def check_delta(args: argparse.Namespace, people: int) -> None:
    """Raises InputError for a δ under which a mechanism may hand out somebody's picture as it is."""
    from judge.privacy.head import usual_delta

    if args.delta is not None and args.delta > usual_delta(people):
        raise InputError(
            f"--delta={args.delta}: at most 1 / (n ln n) = {usual_delta(people):.2g} for {people:,} people"
        )


def study_of(args: argparse.Namespace, settings: DictConfig, people: int) -> AttackStudy:
    """The settings of the study, δ for so many people where none was given."""
    from judge.privacy.attacks import ATTACKS, POOL_ATTACKS, AttackStudy
    from judge.privacy.head import usual_delta

    try:
        fprs = tuple(float(part) for part in args.fpr.split(",") if part.strip())
    except ValueError:
        fprs = ()
    if not fprs or any(not 0 < fpr < 1 for fpr in fprs):
        raise InputError(f"--fpr={args.fpr!r}: rates between 0 and 1, such as .01,.001")
    claimed = args.epsilon if args.epsilon is not None else args.claimed
    most = usual_delta(people)
    return AttackStudy(
        shadows=args.shadows, targets=args.targets, attacks=tuple(POOL_ATTACKS if args.pool else ATTACKS),
        random_labels=args.random_labels, fprs=fprs, delta=most if args.delta is None else args.delta,
        claimed=np.inf if claimed is None else claimed, guesses=args.guesses, confidence=args.confidence,
        seed=settings.seed,
    )  # fmt: skip


def composed(overrides: Sequence[str]) -> DictConfig:
    """conf/attack.yaml with the changes. Raises InputError for a setting that there is not."""
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from judge.experiment.choices.own_data import register_own_data
    from judge.experiment.choices.words import as_override

    wrong = [change for change in overrides if "=" not in change]
    if wrong:
        raise InputError(f"settings of an attack are KEY=VALUE, not {listed(wrong)}")
    register_own_data(overrides)
    changes = [as_override(change) for change in overrides]
    try:
        with initialize_config_module("judge.conf", version_base="1.3"):
            return compose("attack", changes)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(f"{' '.join(overrides)}: {error}") from error


def people_of(
    args: argparse.Namespace, settings: DictConfig
) -> tuple[pd.DataFrame, dict[str, object], list[str]]:
    """One rated picture of each person, facts of the data set, and who was left out.

    Raises InputError, before pictures are rendered, for people among whom nobody can be attacked as asked.
    """
    from judge.cli.generate.train import people

    def refuse(manifest: pd.DataFrame, facts: dict[str, Any]) -> None:
        rows, _ = one_rated_each(manifest)
        if rows.empty:
            raise InputError(f"data={facts['data']}: nobody has a rating, and an attack is on what was rated")
        check_delta(args, len(rows))
        if args.pool:
            from judge.cli.private.attack_on_pool import members_of

            members_of(args.members, rows)

    manifest, facts = people(settings, check=refuse)
    rows, notes = one_rated_each(manifest)
    return rows, facts, notes


def one_rated_each(manifest: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """(the first rated picture of each person, who was left out)."""
    from judge.report.wording import counted

    rated = manifest[manifest["rating"].notna()]
    each = rated
    if "person_id" in rated:
        each = rated[rated["person_id"].isna() | ~rated["person_id"].duplicated()]
    left = (
        (len(manifest) - len(rated), "no rating"),
        (len(rated) - len(each), "another picture of the same person"),
    )
    notes = [f"Left out: {counted(n, 'picture')}, {why}." for n, why in left if n]
    return each.reset_index(drop=True), notes


def of_judges(
    args: argparse.Namespace,
    settings: DictConfig,
    manifest: pd.DataFrame,
    facts: dict,
    groups: np.ndarray | None,
) -> Attacked:
    """Trains and attacks judges."""
    from judge.cli.progress import bar
    from judge.privacy.attacks import attack_judges

    train, kept, how, notes = trainer_of(args, settings, manifest, facts)
    rows = manifest[kept].reset_index(drop=True)
    study = study_of(args, settings, len(rows))
    step, done = (
        bar(study.targets + study.shadows, unit="training") if not args.quiet else (None, lambda: None)
    )
    try:
        tables = attack_judges(
            train,
            rows["rating"].to_numpy(float),
            study,
            groups=None if groups is None else groups[kept],
            progress=step,
        )
    finally:
        done()
    what = f"{study.targets} targets and {study.shadows} shadows ({how}), on halves of {len(rows):,} people"
    return Attacked(tables, what, [*notes, *_control(args)])


def _control(args: argparse.Namespace) -> list[str]:
    return ["Members are drawn by coins that no training has seen: a control."] if args.random_labels else []


def trainer_of(
    args: argparse.Namespace, settings: DictConfig, manifest: pd.DataFrame, facts: dict
) -> tuple[Trainer, np.ndarray, str, list[str]]:
    """(trainer, who of the manifest can be read (n,) bool, its name, notes)."""
    from hydra.utils import instantiate

    from judge.privacy.attacks import OVERFITTED, JudgeTrainer, PrivateTrainer, RidgeTrainer
    from judge.privacy.head import PublicSpace, usual_delta

    everybody = np.ones(len(manifest), bool)
    range_ = facts.get("rating_range")
    if range_ is None:
        raise InputError("the data have no range of ratings: a judge cannot be trained on them")
    if not settings.judge._target_.endswith("EmbeddingJudge"):
        return (
            JudgeTrainer(lambda: instantiate(settings.judge), manifest, tuple(range_)),
            everybody, "networks", [],
        )  # fmt: skip
    from judge.jury.embedding import embed

    judge = instantiate(settings.judge)
    cache = Path(judge.cache) if judge.cache else None
    features, rows, broken = embed(manifest, judge.embedding, cache=cache, progress=not args.quiet)
    kept = manifest["image_id"].isin(rows["image_id"]).to_numpy()
    notes = [f"Left out: {len(broken):,} pictures that cannot be read."] if len(broken) else []
    features, rating = features.astype(float), rows["rating"].to_numpy(float)
    if args.epsilon is None:
        penalties = (OVERFITTED,) if args.overfit else judge.penalties
        how = "a regression that memorises" if args.overfit else "ridge regressions"
        return RidgeTrainer(features, rating, penalties), kept, how, notes
    public = public_features(judge.embedding, cache, settings, progress=not args.quiet)
    notes.append(
        f"Public, and not in the budget: the network of the features, the range of ratings, and {len(public):,} "
        "rendered people by whom features are scaled."
    )
    delta = usual_delta(len(rows)) if args.delta is None else args.delta
    train = PrivateTrainer(
        features,
        rating,
        PublicSpace.of(public),
        epsilon=args.epsilon,
        delta=delta,
        rating_range=tuple(range_),
    )
    return train, kept, f"private heads, ε = {args.epsilon:g}, δ = {delta:.1g}", notes


def public_features(what: object, cache: Path | None, settings: DictConfig, *, progress: bool) -> np.ndarray:
    """(m, F) of rendered people whom nobody trains on."""
    from judge.cli.generate.people import OTHER_PEOPLE
    from judge.data.parametric import read_parametric
    from judge.jury.embedding import embed

    size = settings.data.get("size", 96) if "parametric" in settings.data._target_ else 96
    data = read_parametric(
        PUBLIC, seed=OTHER_PEOPLE, size=size, mode="natural", picture_format="png", progress=progress
    )
    return embed(data.manifest, what, cache=cache, progress=progress)[0].astype(float)  # type: ignore[arg-type]


def of_pool(
    args: argparse.Namespace, settings: DictConfig, manifest: pd.DataFrame, groups: np.ndarray | None
) -> Attacked:
    """Attacks a folder of synthetic pictures."""
    from judge.cli.private.attack_on_pool import spaces_of
    from judge.privacy.attacks import attack_pool

    rng = np.random.default_rng(settings.seed)
    spaces, rows, members, what, notes = spaces_of(
        args.pool, args.members, manifest, rng=rng, progress=not args.quiet
    )
    study = study_of(args, settings, len(rows))
    found = attack_pool(spaces, members, study, groups=None if groups is None else groups[rows])
    return Attacked(found, what, [*notes, *_control(args)])


def write_all(out: Path, found: Attacked, *, facts: dict[str, object]) -> Path:
    """Tables, attack.json and the page; returns the page."""
    from judge.data.tables import write_table
    from judge.report.pages.attack import write_attack_page
    from judge.storage import write_json

    tables = found.tables._asdict()
    for name, table in tables.items():
        if len(table):
            write_table(table, out / name)
    write_json(out / "attack.json", {**facts, "what": found.what, "notes": found.notes})
    return write_attack_page(out, **tables, what=found.what, notes=found.notes)
