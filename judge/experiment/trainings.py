"""The judges of a run: each trained once, whoever uses it, and read back after a kill."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from judge import __version__
from judge.data.composition import training_part
from judge.data.tables import read_table, write_table
from judge.errors import InputError, listed
from judge.experiment.draw import Drawn, trainer_of
from judge.experiment.folder_names import changes_a_number
from judge.experiment.run_folder import RunDir, read_json, write_json, write_lean
from judge.experiment.settings import Experiment, without_later
from judge.fairness.probes import probe
from judge.jury.loading import load_judge
from judge.jury.network.losses import SquaredError, check_objective

if TYPE_CHECKING:
    from judge.jury.network.stacked import Planned, Shelf

log = logging.getLogger("judge")
IDENTITY = "training.json"
#: What a judge made of the pictures: a file a table, or in a compact run's folder one for all.
JUDGED = ("scores", "unreadable", "untrained", "calibration", "validation")
TOGETHER = "judged.parquet"


@dataclass(frozen=True)
class Judged:
    """What a condition's judge made of the pictures.

    entrants     image_id, judge, seed, score of everybody it could read
    unreadable   image_id, reason of the others
    untrained    item, reason, detail of training pictures that it could not use
    calibration  image_id, score of the calibration people, empty where no condition of the run asks for them
    validation   image_id, score of the validation part of the pool behind the judge; no refit learns from it
    """

    entrants: pd.DataFrame
    unreadable: pd.DataFrame
    untrained: pd.DataFrame
    calibration: pd.DataFrame
    validation: pd.DataFrame

    def parts(self) -> tuple[pd.DataFrame, ...]:
        """The tables in the order of JUDGED."""
        return self.entrants, self.unreadable, self.untrained, self.calibration, self.validation

    def together(self) -> pd.DataFrame:
        """All of it in one table: part (of JUDGED), image_id, score, reason, detail."""
        parts = [
            part.rename(columns={"item": "image_id"}).assign(part=name)
            for name, part in zip(JUDGED, self.parts(), strict=True)
        ]
        columns = ["part", "image_id", "score", "reason", "detail"]
        return pd.concat([part for part in parts if len(part)]).reindex(columns=columns)

    @classmethod
    def apart(cls, together: pd.DataFrame, seed: int) -> Judged:
        """What `together` made one table of."""
        kinds = {"image_id": str, "score": float}
        one = {
            name: together[together["part"] == name].reset_index(drop=True).astype(kinds) for name in JUDGED
        }
        return cls(
            one["scores"][["image_id", "score"]].assign(judge="beauty", seed=seed)[
                ["image_id", "judge", "seed", "score"]
            ],
            one["unreadable"][["image_id", "reason"]],
            one["untrained"].rename(columns={"image_id": "item"})[["item", "reason", "detail"]],
            one["calibration"][["image_id", "score"]],
            one["validation"][["image_id", "score"]],
        )


class Trainings:
    """The trainings of a run, one for all conditions that would train the same."""

    def __init__(self, experiment: Experiment, drawn: Drawn, home: RunDir):
        self.experiment, self.drawn, self.home = experiment, drawn, home
        self._identity = {name: self._described(name) for name in experiment.conditions}
        words = {name: json.dumps(told, sort_keys=True, default=str) for name, told in self._identity.items()}
        first: dict[str, str] = {}
        # those that train come before those that use their judges, wherever they stand in the settings
        for name in sorted(words, key=lambda name: experiment.conditions[name].trained_as is not None):
            first.setdefault(words[name], name)
        self.trained_as = {name: first[words[name]] for name in experiment.conditions}
        self._judged: dict[str, Judged] = {}
        self._probed: dict[str, pd.DataFrame] = {}
        self._check()

    def judged(self, name: str) -> Judged:
        """What the judge of this condition made of the pictures, trained now unless it was before.

        Raises InputError if its folder holds another training.
        """
        trainer = self.trained_as[name]
        if trainer not in self._judged:
            self._judged[trainer] = self._read(trainer) or self._judge_all(trainer)
        return self._judged[trainer]

    def folder(self, name: str) -> Path:
        """Where the judge of this condition lies."""
        return self.home / "judges" / self.trained_as[name]

    def missing(self) -> list[str]:
        """Conditions whose own judge is not saved in the run's folder."""
        return [
            name
            for name, trainer in self.trained_as.items()
            if name == trainer and not (self.folder(name) / "judge.json").is_file()
        ]

    def forget_judges(self) -> None:
        """Deletes the saved judges; what they made of the pictures stays."""
        for trainer in set(self.trained_as.values()):
            for file in (self.folder(trainer) / "judge.json", *self.folder(trainer).glob("*.safetensors")):
                file.unlink(missing_ok=True)

    def feature_probes(self, name: str) -> pd.DataFrame | None:
        """What probes read from the features of this condition's judge; None for a judge that has none to show.

        Rows of judge.fairness.probes. Judges with equal features, such as those of one frozen backbone, share them.
        """
        folder = self.folder(name)
        file = folder / "probes"
        if file.with_suffix(".parquet").is_file():
            return read_table(file.with_suffix(".parquet"))
        self.judged(name)
        if not (folder / "judge.json").is_file():
            return None
        judge = load_judge(folder, own=[getattr(self.experiment.make_judge(), "kind", "")])
        if not hasattr(judge, "read"):
            return None
        features, rows, _ = judge.read(self.drawn.entrants.sort_values("image_id"))
        key = hashlib.blake2b(np.ascontiguousarray(features).data, digest_size=16).hexdigest()
        if key not in self._probed:
            self._probed[key] = probe(
                features,
                rows[self.experiment.pool.feature].to_numpy(),
                seed=self.experiment.seed,
                confidence=self.experiment.audit.confidence,
            )
        write_table(self._probed[key], file)
        return self._probed[key]

    def train_again(self, name: str) -> float:
        """Trains and saves a judge that was not saved. Returns how far its scores are from the run's, in points."""
        told = self.home.table("scores")  # not the folder of the judge, which may have been deleted whole
        before = told[(told["condition"] == name) & (told["judge"] == "beauty")]
        both = before.merge(self._judge_all(name).entrants, on="image_id")
        return float((both["score_x"] - both["score_y"]).abs().max())

    def _check(self) -> None:
        """Raises InputError where a judge cannot do what a condition asks of it, before any work."""
        judge = self.experiment.make_judge()
        for name, condition in self.experiment.conditions.items():
            for seam in ("objective", "refit"):
                if getattr(condition, seam) is not None:
                    method = getattr(condition, seam)
                    reason = judge.refusal(seam, getattr(method, "func", method))
                    if reason:
                        raise InputError(f"conditions.{name}.{seam}: {reason}")
            self._check_objective(name, judge)
            self._check_refit(name, judge)
            self._same_training(self.trained_as[name])

    def _check_objective(self, name: str, judge: Any) -> None:
        factory = self.experiment.conditions[name].objective
        if factory is None:
            return
        loss = getattr(judge, "loss", None) or SquaredError()
        try:
            check_objective(factory, loss, self.drawn.groups, self._training_part(name))
        except (InputError, TypeError) as error:  # a TypeError names a setting that the method does not have
            raise InputError(f"conditions.{name}.objective: {error}") from error

    def _check_refit(self, name: str, judge: Any) -> None:
        method = self.experiment.conditions[name].refit
        lacks = [call for call in getattr(method, "calls", ()) if not callable(getattr(judge, call, None))]
        if lacks:
            raise InputError(
                f"conditions.{name}.refit: it needs a judge with {listed(lacks)} (judge.jury.loading.Judge); "
                f"{type(judge).__name__} has no such method"
            )
        if hasattr(method, "check"):
            pool = self._training_part(trainer_of(self.experiment.conditions, name))
            try:
                method.check(pool, self._held_out(method), feature=self.experiment.pool.feature)
            except InputError as error:
                raise InputError(f"conditions.{name}.refit: {error}") from error

    def _training_part(self, trainer: str) -> pd.DataFrame:
        return self._parts(trainer)[0]

    def _parts(self, trainer: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Who of the pool trains, and who chooses the epoch."""
        experiment = self.experiment
        return training_part(self.drawn.pools[trainer], experiment.seed, experiment.pool.validation)

    def _held_out(self, method: Any) -> pd.DataFrame | None:
        return self.drawn.refit if getattr(method, "needs_held_out", False) else None

    def _described(self, name: str) -> dict[str, Any]:
        """All that tells the training of this condition from another."""
        conditions = self.experiment.conditions
        trainer = trainer_of(conditions, name)
        refits = []
        step: str | None = name
        while step is not None:
            refits.append(conditions[step].described("refit"))
            step = conditions[step].trained_as
        return {
            "version": __version__,
            "seed": self.experiment.seed,
            "judge": _numbers(without_later(self.experiment.plain["judge"], ("judge",)), "judge"),
            "pool": pool_digest(self.drawn.pools[trainer]),
            "validation": self.experiment.pool.validation,
            "feature": self.experiment.pool.feature,
            "objective": conditions[trainer].described("objective"),
            "held_out": _digest_of(self.drawn.refit) if conditions[name].refit is not None else None,
            "refit": [refit for refit in reversed(refits) if refit is not None],
        }

    def _same_training(self, trainer: str) -> None:
        """Raises InputError if the folder holds what another training left there."""
        file = self.folder(trainer) / IDENTITY
        if not file.is_file():
            return
        wanted = json.loads(json.dumps(self._identity[trainer], default=str))
        try:
            there = read_json(file)
        except ValueError:  # half a file: the network's own state says what training it is of
            return
        apart = [key for key in wanted if there.get(key) != wanted[key]]
        if apart:
            told = "; ".join(f"{key} was {there.get(key)!r} and is to be {wanted[key]!r}" for key in apart)
            raise InputError(
                f"{file.parent} holds another training: {told}. Delete that folder to train anew"
            )

    def _read(self, trainer: str) -> Judged | None:
        """What this judge made of the pictures before a kill, if it was finished and the people are the same."""
        folder = self.folder(trainer)
        try:
            if (folder / TOGETHER).is_file():
                judged = Judged.apart(read_table(folder / TOGETHER), self.experiment.seed)
            elif all((folder / f"{name}.parquet").is_file() for name in JUDGED):
                judged = Judged(*(read_table(folder / f"{name}.parquet") for name in JUDGED))
            else:
                return None
        except InputError as error:
            log.warning("%s; the pictures are judged again", error)
            return None
        seen = {*judged.entrants["image_id"], *judged.unreadable["image_id"]}
        whole = seen == set(self.drawn.entrants["image_id"])
        calibration = set(judged.calibration["image_id"])
        if self.drawn.calibration is not None:
            whole &= bool(calibration) and calibration <= set(self.drawn.calibration["image_id"])
        if not whole:
            return None
        _forget_states(folder)  # a kill may have come between the last table and this
        return judged

    def planned(
        self, trainer: str, shelf: Shelf, val_shelf: Shelf
    ) -> tuple[Callable[[], None], Planned] | None:
        """This condition's training for a stack, and what is to be called once that has done it; None: it is over.

        Raises InputError, with the reason, for one that no stack takes.
        """
        if self._read(trainer) is not None:
            return None
        experiment, condition, folder = (
            self.experiment,
            self.experiment.conditions[trainer],
            self.folder(trainer),
        )
        judge = experiment.make_judge()
        if condition.trained_as is not None or not callable(getattr(judge, "planned", None)):
            raise InputError(f"{type(judge).__name__} is no network with trainings of one structure")
        planned = judge.planned(
            *self._parts(trainer),
            ratings=self.drawn.ratings_for(trainer),
            rating_range=self.drawn.rating_range,
            seed=experiment.seed,
            workdir=folder,
            groups=self.drawn.groups,
            objective=condition.objective,
            shelf=shelf,
            val_shelf=val_shelf,
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / IDENTITY, self._identity[trainer])

        def done() -> None:
            if condition.refit is None:  # a refit is left to the run, which finds the training done
                judge.take(planned)
                self._judged[trainer] = self._judge_all(trainer, (judge, judge.excluded))

        return done, planned

    def _judge_all(self, trainer: str, trained: tuple[Any, pd.DataFrame] | None = None) -> Judged:
        """trained: the judge and what it could not learn from; None: it is trained now."""
        experiment, drawn = self.experiment, self.drawn
        folder = self.folder(trainer)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / IDENTITY, self._identity[trainer])
        judge, untrained = trained or self._trained(trainer)
        scores, broken = judge.score(drawn.entrants)
        nobody = pd.DataFrame({"image_id": pd.Series(dtype=str), "score": pd.Series(dtype=float)})
        calibration = nobody
        if drawn.calibration is not None:
            calibration, _ = judge.score(drawn.calibration)
        _, apart = training_part(
            drawn.pools[trainer_of(experiment.conditions, trainer)],
            experiment.seed,
            experiment.pool.validation,
        )
        validation, _ = judge.score(apart.drop_duplicates("image_id"))
        judged = Judged(
            scores.assign(judge="beauty", seed=experiment.seed)[["image_id", "judge", "seed", "score"]],
            broken.rename(columns={"item": "image_id"})[["image_id", "reason"]],
            untrained.reindex(columns=["item", "reason", "detail"]),
            calibration[["image_id", "score"]],
            validation[["image_id", "score"]],
        )
        # the judge first: with the tables there, nobody would train it again
        judge.save(folder)
        if experiment.compact:
            write_lean(judged.together(), folder / TOGETHER)
        else:
            for name, table in zip(JUDGED, judged.parts(), strict=True):
                write_table(table, folder / name)
        _forget_states(folder)
        return judged

    def _trained(self, trainer: str) -> tuple[Any, pd.DataFrame]:
        """The judge and what it could not learn from."""
        experiment, drawn, folder = self.experiment, self.drawn, self.folder(trainer)
        condition = experiment.conditions[trainer]
        if condition.trained_as is not None:
            base = self.trained_as[condition.trained_as]
            known = self.judged(base)
            if not (self.folder(base) / "judge.json").is_file():
                self._judge_all(base)
            # read back, so that the refit works on a judge of its own
            judge, untrained = load_judge(self.folder(base)), known.untrained
        else:
            log.info("training: %s", trainer)
            judge = experiment.make_judge()
            judge.fit(
                *self._parts(trainer),
                ratings=drawn.ratings_for(trainer),
                rating_range=drawn.rating_range,
                seed=experiment.seed,
                workdir=folder,
                groups=drawn.groups,
                objective=condition.objective,
            )
            untrained = judge.excluded
        if condition.refit is not None:
            log.info("refit: %s", trainer)
            rng = np.random.default_rng([experiment.seed, 5])
            judge = condition.refit(
                judge,
                self._training_part(trainer_of(experiment.conditions, trainer)),
                held_out=self._held_out(condition.refit),
                feature=experiment.pool.feature,
                rng=rng,
            )
        return judge, untrained


def _forget_states(folder: Path) -> None:
    """Removes what a training goes on from: it is over, and its checkpoints are not the judge."""
    for state in set(folder.rglob("*.safetensors")) - {folder / "model.safetensors"}:
        state.unlink()


def pool_digest(pool: pd.DataFrame) -> str:
    """Hexadecimal digest of the pictures of a pool, their ratings, weights and order."""
    columns = [column for column in ("image_id", "rating", "weight", "content_hash") if column in pool]
    hashed = pd.util.hash_pandas_object(pool[columns], index=False).to_numpy()
    return hashlib.blake2b(hashed.tobytes(), digest_size=16).hexdigest()


def _digest_of(people: pd.DataFrame | None) -> str | None:
    return None if people is None else pool_digest(people)


def _numbers(value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        key: _numbers(inner, f"{path}.{key}")
        for key, inner in value.items()
        if changes_a_number(f"{path}.{key}")
    }
