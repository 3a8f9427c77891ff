"""What secrecy of a group costs on people whose faces are known: Alice against erased features and noise.

Four parts of people, each person in one: those on whom Alice, Bob and Eve train (and the rivals are fitted), those from
whom fresh Eves learn, those by whom the strongest of them is chosen, and the contestants, whom nobody has seen: all
numbers are of them. What is published of a person is a score, and of Alice's people a ciphertext beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from judge.data.groups import Groups
from judge.errors import InputError, listed
from judge.privacy.secrecy.bounds import barycentre
from judge.privacy.secrecy.eavesdroppers import FEWEST, FreshEves, Overheard
from judge.privacy.secrecy.people import KnownPeople, People
from judge.privacy.secrecy.rivals import erased, fitted, noisy
from judge.privacy.secrecy.settings import SecrecyTraining
from judge.privacy.secrecy.training import generators, train

PARTS = ("train", "learn", "choose", "contestants")
Scores = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class SecrecyStudy:
    """Settings of the study.

    weights     λ of Alice, each another training; 0 asks for no secret
    erasures    shares of LEACE's change of the features; 0 is the ridge regression without secrecy
    noises      standard deviations of noise, in those of the ridge regression's scores
    seeds       splits of the people and trainings
    dimensions  directions of most variance of the features that everybody sees, each brought to unit spread
    jitter      standard deviation of noise on what Alice sees while she trains (`estimates`, of unit spread)
    shares      of the people who train, whom Eve learns from and chooses by; the others are the contestants
    """

    weights: tuple[float, ...] = (0.0, 10.0, 50.0, 200.0)
    erasures: tuple[float, ...] = (0.0, 0.5, 1.0)
    noises: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    seeds: int = 5
    dimensions: int = 48
    jitter: float = 0.1
    shares: tuple[float, float, float] = (0.5, 0.25, 0.1)

    def __post_init__(self) -> None:
        for name in ("weights", "erasures", "noises", "shares"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        if not self.weights or min(self.weights) < 0:
            raise InputError(f"study.weights are numbers from 0, at least one; given {list(self.weights)}")
        if not all(0 <= share <= 1 for share in self.erasures):
            raise InputError(f"study.erasures are shares, 0 to 1; given {list(self.erasures)}")
        if not all(spread > 0 for spread in self.noises):
            raise InputError(f"study.noises are over 0; given {list(self.noises)}")
        if self.seeds < 1 or self.dimensions < 2:
            raise InputError(
                f"study.seeds is at least 1 and study.dimensions at least 2; given {self.seeds}, {self.dimensions}"
            )
        if not self.jitter >= 0:
            raise InputError(f"study.jitter is at least 0; given {self.jitter}")
        if len(self.shares) != 3 or min(self.shares) <= 0 or sum(self.shares) >= 1:
            raise InputError(
                f"study.shares are three shares over 0 that sum to less than 1; given {list(self.shares)}"
            )

    def run(
        self,
        features: NDArray[np.float32],
        people: pd.DataFrame,
        feature: str,
        training: SecrecyTraining,
        eves: FreshEves,
        *,
        seed: int = 0,
        confidence: float = 0.95,
        progress: Callable[[str], None] | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(a row a method, level, reader and seed; a row a contestant of each: image_id and score).

        features (n, F) of the manifest's rows `people`, which have image_id, rating and the sensitive feature.

        The first table: seed, method (alice, leace, noise, or a bound: ratings, independent), level, reader (public or
        bob), pearson with the rating, within (mean over the groups of the Pearson within each), eve (balanced accuracy
        of the strongest fresh Eve on all that is published), eve_low, eve_high, strongest_eve, chance, n_contestants.

        Raises InputError before anything is trained: no ratings, a column that is not there, groups too small.
        """
        groups, people, features = self.usable(features, people, feature)
        rows, published = [], []
        for number in range(seed, seed + self.seeds):
            split = self.split(groups.codes(people), number)
            seen = self.seen(features, split["train"])
            scores, ciphers = self._scores(seen, people, groups, split, training, number, progress)
            parts = {p: torch.from_numpy(groups.codes(people)[split[p]]) for p in PARTS}
            read = self._read(scores, ciphers, parts, groups, eves, number, confidence, progress)
            entrants = people.iloc[split["contestants"]]
            for (method, level, reader), score in scores.items():
                told = read.get((method, level), {})
                rows.append(
                    {"seed": number, "method": method, "level": level, "reader": reader}
                    | agreement(score["contestants"], entrants["rating"], groups.codes(entrants))
                    | told
                    | {"chance": 1 / len(groups.names), "n_contestants": len(entrants)}
                )
                published.append(
                    pd.DataFrame(
                        {"seed": number, "method": method, "level": level, "reader": reader,
                         "image_id": entrants["image_id"].to_numpy(), "score": score["contestants"]}
                    )
                )  # fmt: skip
        return pd.DataFrame(rows), pd.concat(published, ignore_index=True)

    def usable(
        self, features: NDArray, people: pd.DataFrame, feature: str
    ) -> tuple[Groups, pd.DataFrame, NDArray]:
        """The groups, and who has one and a rating. Raises InputError."""
        if "rating" not in people or people["rating"].notna().sum() == 0:
            raise InputError(
                "secrecy: nobody of these data is rated, and the score is an estimate of the rating"
            )
        if feature not in people:
            raise InputError(f"feature={feature}: the data have {listed(people.columns)}")
        kept = (people["rating"].notna() & people[feature].notna()).to_numpy()
        people, features = people[kept].reset_index(drop=True), features[kept]
        groups = Groups.of(people, feature)
        if len(groups.names) < 2:
            raise InputError(f"feature={feature}: all are {groups.names[0]}; there is nothing to hide")
        counts = groups.counts(groups.codes(people))
        smallest = min(*self.shares, 1 - sum(self.shares))
        short = {name: n for name, n in counts.items() if np.diff(self._cuts(n)).min() < FEWEST}
        if short:
            raise InputError(
                f"feature={feature}: {listed(short)} have {', '.join(map(str, short.values()))} rated people; at least "
                f"{int(np.ceil(FEWEST / smallest))} are needed, so that {FEWEST} are in each part; leave them out with "
                f"where.{feature}=[…]"
            )
        if (few := int(len(people) * self.shares[0])) <= self.dimensions:
            raise InputError(f"study.dimensions={self.dimensions}: below the {few} people who train")
        return groups, people, features

    def split(self, codes: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.int64]]:
        """Rows of each of PARTS, with the same shares of every group."""
        rng, parts = np.random.default_rng([seed, 16]), {p: [] for p in PARTS}  # type: ignore[var-annotated]
        for group in np.unique(codes):
            rows = rng.permutation(np.flatnonzero(codes == group))
            for part, chosen in zip(PARTS, np.split(rows, self._cuts(len(rows))[1:-1]), strict=True):
                parts[part].append(chosen)
        return {part: np.sort(np.concatenate(rows)) for part, rows in parts.items()}

    def _cuts(self, n: int) -> NDArray[np.int64]:
        """Where each of PARTS begins among n people of a group, and n."""
        return np.concatenate([[0], np.round(np.cumsum(self.shares) * n), [n]]).astype(np.int64)

    def seen(self, features: NDArray, train_rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, dimensions) what everybody sees: directions of most variance among those who train, of unit spread."""
        x = features.astype(np.float64)
        known = x[train_rows]
        mean, sd = known.mean(0), known.std(0)
        x = (x - mean) / np.where(sd > 1e-9, sd, np.inf)
        values, vectors = np.linalg.eigh(x[train_rows].T @ x[train_rows] / len(train_rows))
        kept = np.argsort(values)[::-1][: self.dimensions]
        kept = kept[values[kept] > 1e-9 * values.max()]
        return x @ vectors[:, kept] / np.sqrt(values[kept])

    def _scores(
        self,
        seen: NDArray,
        people: pd.DataFrame,
        groups: Groups,
        split: dict[str, NDArray[np.int64]],
        training: SecrecyTraining,
        seed: int,
        progress: Callable[[str], None] | None,
    ) -> tuple[dict[tuple[str, float, str], Scores], dict[tuple[str, float], dict[str, NDArray]]]:
        """(method, level, reader) → part → scores in points; (alice, level) → part → ciphertexts."""
        codes, rating = groups.codes(people), people["rating"].to_numpy(float)
        x, y, c = seen[split["train"]], rating[split["train"]], codes[split["train"]]
        each = [seen[split[p]] for p in PARTS]
        out: dict[tuple[str, float, str], Scores] = {}

        def named(scores: Sequence[NDArray]) -> Scores:
            return dict(zip(PARTS, scores, strict=True))

        for share in self.erasures:
            out["leace", share, "public"] = named(erased(x, c, y, share, each))
        plain = fitted(x, y, each)
        rng = np.random.default_rng([seed, 17])
        for spread in self.noises:
            out["noise", spread, "public"] = named(noisy(plain, spread, rng))
        out["ratings", 0.0, "public"] = {p: rating[split[p]] for p in PARTS}
        # the best estimate of those who know the group, too: the regression without it is no bound of theirs
        known = np.column_stack([seen, np.eye(len(groups.names))[codes]])
        aware = fitted(known[split["train"]], y, [known[split[p]] for p in PARTS])
        like = aware[1], codes[split["learn"]]
        out["independent", 0.0, "public"] = {
            p: barycentre(score, codes[split[p]], like) for p, score in named(aware).items()
        }
        mean, sd = y.mean(), y.std()
        view = estimates(seen, rating, codes, split["train"], seed)
        source = Jittered(
            KnownPeople(
                People(_floats(view[split["train"]]), torch.from_numpy(c), _floats((y - mean) / sd)),
                groups.names,
            ),
            self.jitter,
        )
        copies = len(self.weights)
        trained = train(
            [source] * copies, training, weights=self.weights, seeds=[seed] * copies, progress=progress
        )
        ciphers: dict[tuple[str, float], dict[str, NDArray]] = {("alice", w): {} for w in self.weights}
        for place, part in enumerate(PARTS):
            shown = _floats(view[split[part]]).expand(copies, -1, -1)
            messages = trained.publish(shown, generators([seed] * copies, 50 + place))
            bob = trained.read(messages).numpy().astype(float)
            public = messages.published.numpy().astype(float)
            for copy, weight in enumerate(self.weights):
                for reader, score in (("public", public[copy, :, 0]), ("bob", bob[copy])):
                    out.setdefault(("alice", weight, reader), {})[part] = mean + sd * score
                ciphers["alice", weight][part] = public[copy, :, 1:]
        return out, ciphers

    def _read(
        self,
        scores: dict[tuple[str, float, str], Scores],
        ciphers: dict[tuple[str, float], dict[str, NDArray]],
        group: dict[str, torch.Tensor],
        groups: Groups,
        eves: FreshEves,
        seed: int,
        confidence: float,
        progress: Callable[[str], None] | None,
    ) -> dict[tuple[str, float], dict[str, object]]:
        """(method, level) → what the strongest fresh Eve reads of all that is published."""
        public = [key for key in scores if key[2] == "public"]
        found = {}
        for with_cipher in (False, True):  # messages of one width learn side by side
            some = [key[:2] for key in public if (key[:2] in ciphers) == with_cipher]
            if progress is not None:
                progress(f"seed {seed}: fresh Eves, {len(some)} messages")
            heard = {}
            for name, part in (("learn", "learn"), ("choose", "choose"), ("test", "contestants")):
                messages = [
                    np.column_stack(
                        [scores[*key, "public"][part], *([ciphers[key][part]] if with_cipher else [])]
                    )
                    for key in some
                ]
                heard[name] = Overheard(
                    _floats(np.stack(messages)), group[part].expand(len(some), -1).contiguous()
                )
            table = eves(
                heard["learn"], heard["choose"], heard["test"],
                names=groups.names, seed=seed, confidence=confidence,
            )  # fmt: skip
            for row in table[table["strongest"]].itertuples():
                found[some[row.copy]] = {
                    "eve": row.balanced_accuracy, "eve_low": row.ci_low, "eve_high": row.ci_high,
                    "strongest_eve": row.eve,
                }  # fmt: skip
        return found


@dataclass(frozen=True)
class Jittered:
    """A source whose people are seen with normal noise of standard deviation `spread`."""

    source: KnownPeople
    spread: float

    @property
    def names(self) -> tuple[str, ...]:
        return self.source.names

    @property
    def shares(self) -> tuple[float, ...]:
        return self.source.shares

    @property
    def width(self) -> int:
        return self.source.width

    def draw(self, n: int, rng: torch.Generator) -> People:
        people = self.source.draw(n, rng)
        noise = torch.randn(people.seen.shape, generator=rng)
        return people._replace(seen=people.seen + self.spread * noise)


def estimates(
    seen: NDArray[np.float64],
    rating: NDArray[np.float64],
    codes: NDArray[np.int64],
    train_rows: NDArray[np.int64],
    seed: int,
    folds: int = 5,
) -> NDArray[np.float64]:
    """(n, 1 + G) what Alice is shown of a face: ridge estimates of its score and of each group, of unit spread.

    Of the people who train, by regressions that others of them taught (`folds` parts), so that an estimate is as good
    for them as for strangers. A network on the features themselves learns a few thousand people by heart, and is worse
    for others than a regression; on these few numbers it need find out only what to tell and what to encipher.
    """
    targets = np.column_stack([rating, np.eye(int(codes.max()) + 1)[codes]])
    parts = np.array_split(np.random.default_rng([seed, 18]).permutation(train_rows), folds)
    out = np.empty(targets.shape)
    strangers = np.setdiff1d(np.arange(len(seen)), train_rows)
    for column, target in enumerate(targets.T):
        out[strangers, column] = fitted(seen[train_rows], target[train_rows], [seen[strangers]])[0]
        for part in parts:
            others = np.setdiff1d(train_rows, part)
            out[part, column] = fitted(seen[others], target[others], [seen[part]])[0]
    known = out[train_rows]
    return (out - known.mean(0)) / np.maximum(known.std(0), 1e-9)


def agreement(score: NDArray, rating: pd.Series, codes: NDArray) -> dict[str, float]:
    """Pearson's r of score and rating over all, and its mean within the groups; NaN of a constant score."""
    y = rating.to_numpy(float)
    own = [_pearson(score[codes == g], y[codes == g]) for g in np.unique(codes)]
    return {"pearson": _pearson(score, y), "within": float(np.mean(own))}


def _pearson(a: NDArray, b: NDArray) -> float:
    if len(a) < 2 or np.std(a) < 1e-12 or np.std(b) < 1e-12:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _floats(x: NDArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x)).float()
