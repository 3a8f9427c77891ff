"""Private Evolution with a simulator (Sim-PE): random rendered people, voted for by private ones, varied, in rounds.

Lin et al. 2024, "Differentially private synthetic data via foundation model APIs 1: images", arXiv:2305.15560,
algorithm 1; with a simulator as its API, Lin et al. 2025, arXiv:2502.05505. Here the simulator is this project's
renderer, "near" is measured in what of its parameters lite0 features tell (appearance.py), and ratings follow from one
more noisy moment (ratings.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.composition import allocate
from judge.data.parametric.cache import LARGEST, SMALLEST
from judge.errors import InputError
from judge.privacy.budget import Mechanism
from judge.privacy.labels import PrivateLabels, cell_codes
from judge.privacy.people import PrivatePeople, Rows
from judge.privacy.pools.appearance import Appearance, PictureReader, nearest
from judge.privacy.pools.pool import Made
from judge.privacy.pools.ratings import rated, rating_direction
from judge.privacy.pools.rendered import labels_shown, numbers_of, pictures_of, random_people, vary

VOTES, RATINGS, FEATURES = "votes", "ratings", "features"
#: Candidates where their number is not set: as many that one has as many votes as this many standard deviations of
#: the noise, on average, within the limits.
VOTES_OVER_NOISE = 2.0
FEWEST_CANDIDATES, MOST_CANDIDATES = 100, 1500
#: Candidates of a cell of which any picture is wanted, however small its share.
FEWEST_OF_A_CELL = 10
LIMITS = (
    "Ratings follow the appearance by one direction for everybody, and each group's own noisy distribution: what "
    "raters saw in one group alone is lost, and so are their disagreement and all that the renderer does not show.",
    "Everybody looks like this renderer's people, photographs' people too.",
)


@dataclass(frozen=True)
class SimPE:
    """Settings of Sim-PE.

    Each round every private person votes for the nearest candidate of their own cell. The votes of all cells are one
    histogram over all candidates, in which one person counts once: sensitivity 1, and the cells share one budget in
    parallel. Noisy votes under the threshold are none; candidates are drawn by the rest, and varied.

    size            px of the pictures
    rounds          of votes
    candidates      of all cells together; None: by n and the noise (VOTES_OVER_NOISE)
    degrees         share of the parameters that a variation draws anew, in the first and the last round; between them
                    in equal ratios. The pool's people are variations of the last degree
    threshold       of a candidate's noisy votes, in standard deviations of their noise
    population      settings of the random people (judge.data.parametric: mode, camera, composition aside); public
    side            px at which lite0 reads a picture
    votes_weight, ratings_weight
                    shares of the budget of a round and of the ratings (Mechanism.weight; the labels have 1)
    workers         processes that render; None: all cores
    """

    name: ClassVar[str] = "sim_pe"
    #: nobody's photograph can be in a rendered picture
    rendered: ClassVar[bool] = True

    size: int = 64
    rounds: int = 3
    candidates: int | None = None
    degrees: tuple[float, float] = (0.5, 0.1)
    threshold: float = 1.0
    population: Mapping[str, Any] = field(default_factory=lambda: {"mode": "natural", "camera": "even"})
    side: int = 128
    votes_weight: float = 1.0
    ratings_weight: float = 2.0
    workers: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "degrees", tuple(self.degrees))
        if not SMALLEST <= self.size <= LARGEST:
            raise InputError(f"sim_pe: size={self.size} px: {SMALLEST} to {LARGEST}")
        if not 32 <= self.side <= 512:
            raise InputError(f"sim_pe: side={self.side} px: 32 to 512")
        if self.rounds < 1:
            raise InputError(f"sim_pe: rounds={self.rounds}: at least 1")
        if self.candidates is not None and self.candidates < 20:
            raise InputError(f"sim_pe: candidates={self.candidates}: at least 20, or null")
        if len(self.degrees) != 2 or not all(0 < degree <= 1 for degree in self.degrees):
            raise InputError(f"sim_pe: degrees={self.degrees}: two shares over 0 to 1, first and last")
        if not self.threshold >= 0:
            raise InputError(f"sim_pe: threshold={self.threshold}: at least 0")
        if wrong := sorted(set(self.population) & {"n", "seed", "start", "composition"}):
            raise InputError(
                f"sim_pe: population takes no {', '.join(wrong)}: who the candidates are is voted"
            )

    def mechanisms(self, n: int) -> list[Mechanism]:
        return [Mechanism(VOTES, self.votes_weight, self.rounds), Mechanism(RATINGS, self.ratings_weight)]

    def __call__(
        self,
        people: PrivatePeople,
        labels: PrivateLabels,
        wanted: Mapping[str, int],
        *,
        noise: np.random.Generator,
        seed: int,
        progress: bool = True,
    ) -> Made:
        rng = np.random.default_rng([seed, 1])
        cells = list(labels.cells.index)
        sigma = people.ledger.plan.noise(VOTES)
        reader = PictureReader(self.size, self.side)
        people.derive(FEATURES, lambda manifest: reader.of_files(manifest, progress=progress))
        shares = pd.Series({cell: wanted.get(cell, 0) for cell in cells}, dtype=float)
        k = allocate(self._candidates(len(people), sigma), (shares / shares.sum()).to_dict())
        own = [max(k[cell], FEWEST_OF_A_CELL) if wanted.get(cell) else 0 for cell in cells]
        codes = np.repeat(np.arange(len(cells)), own)
        drawn = _Fresh(labels, self.population, seed)
        candidates = drawn(codes)
        seen: list[NDArray] = []
        known: list[pd.DataFrame] = []
        rounds = []
        degrees = np.geomspace(*self.degrees, self.rounds)
        for number, degree in enumerate(degrees, 1):
            what = f"round {number} of {self.rounds}"
            pictures = pictures_of(
                candidates, self.size, workers=self.workers, progress=progress, what=f"{what}, rendering"
            )
            seen.append(reader(pictures, progress=progress, what=f"{what}, reading"))
            known.append(candidates)
            last = np.arange(len(codes) * number) >= len(codes) * (number - 1)
            appearance = Appearance.of(np.concatenate(seen), numbers_of(pd.concat(known)), last)
            votes = self._votes(people, labels, appearance, seen[-1], codes, noise)
            weight = np.where(votes >= self.threshold * sigma, np.maximum(votes, 0.0), 0.0)
            rounds.append(_round(number, cells, codes, votes, weight))
            if number < self.rounds:
                parents = _resampled(codes, weight, np.bincount(codes, minlength=len(cells)), rng)
                candidates = vary(candidates.iloc[parents], drawn(codes), degree, rng)
        sizes = np.array([wanted.get(cell, 0) for cell in cells])
        parents = _resampled(codes, weight, sizes, rng)
        made_of = np.repeat(np.arange(len(cells)), sizes)
        pool = vary(candidates.iloc[parents], drawn(made_of), degrees[-1], rng)
        pictures = pictures_of(
            pool, self.size, workers=self.workers, progress=progress, what="the pool, rendering"
        )
        features = reader(pictures, progress=progress, what="the pool, reading")
        seen.append(features)
        known.append(pool)
        in_pool = np.arange(sum(map(len, seen))) >= sum(map(len, seen[:-1]))
        # scaled on the pool: its people are the nearest to the private ones that there are
        appearance = Appearance.of(np.concatenate(seen), numbers_of(pd.concat(known)), in_pool)
        direction = rating_direction(people, labels, appearance, features=FEATURES, rng=noise, what=RATINGS)
        cell = pd.Series([cells[code] for code in made_of], name="cell")
        rating = pd.Series(rated(cell, appearance(features), direction, labels), name="rating")
        table = pd.concat([cell, rating, labels_shown(pool.reset_index(drop=True))], axis=1)
        return Made(
            table,
            pictures,
            public=self._public(),
            facts={"settings": _plain(asdict(self)), "candidates": len(codes)},
            tables={
                "rounds": pd.concat(rounds, ignore_index=True),
                "readable": appearance.told.rename_axis("parameter").rename("share_told").reset_index(),
            },
            limits=LIMITS,
        )

    def _candidates(self, n: int, sigma: float) -> int:
        if self.candidates is not None:
            return self.candidates
        if sigma == 0:
            return min(max(n // 2, FEWEST_CANDIDATES), MOST_CANDIDATES)
        return int(np.clip(n / (VOTES_OVER_NOISE * sigma), FEWEST_CANDIDATES, MOST_CANDIDATES))

    def _votes(
        self,
        people: PrivatePeople,
        labels: PrivateLabels,
        appearance: Appearance,
        features: NDArray,
        codes: NDArray[np.integer],
        noise: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(candidates,): noisy votes; one use of the mechanism."""
        place = {name: k for k, name in enumerate(labels.cells.index)}
        candidates = appearance(features)

        def query(rows: Rows) -> NDArray[np.int64]:
            cell = cell_codes(rows.manifest, labels.features, place)
            return nearest(appearance(rows.derived[FEATURES]), candidates, cell, codes, len(place))

        return people.histogram(VOTES, query, len(codes), noise)

    def _public(self) -> dict[str, str]:
        return {
            "renderer": "this project's renderer and the settings of its random people (settings.population)",
            "network": "the packaged efficientnet-lite0, trained on ImageNet",
            "settings": "all of them; they were chosen without the private people",
        }


class _Fresh:
    """Random people for cell codes, others each time."""

    def __init__(self, labels: PrivateLabels, population: Mapping[str, Any], seed: int) -> None:
        self.groups = labels.cells.to_dict("records")
        self.population = dict(population)
        self.seed, self.times = seed, 0

    def __call__(self, codes: NDArray[np.integer]) -> pd.DataFrame:
        """One person a code; codes are in order."""
        parts = []
        for code, n in zip(*np.unique(codes, return_counts=True), strict=True):
            key = int(np.random.SeedSequence([self.seed, 2, self.times, int(code)]).generate_state(1)[0])
            groups = {str(name): str(group) for name, group in self.groups[code].items()}
            parts.append(random_people(int(n), groups, seed=key, **self.population))
        self.times += 1
        return pd.concat(parts, ignore_index=True)


def _resampled(
    codes: NDArray[np.integer], weight: NDArray, sizes: NDArray[np.integer], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places of parents, sizes[c] of each cell c in order, drawn by weight; where all are 0, alike."""
    out = []
    for cell, size in enumerate(sizes):
        those = np.flatnonzero(codes == cell)
        if not size:
            continue
        w = weight[those]
        p = w / w.sum() if w.sum() > 0 else np.full(len(those), 1 / len(those))
        out.append(rng.choice(those, size=int(size), p=p))
    return np.concatenate(out)


def _round(
    number: int, cells: list[str], codes: NDArray[np.integer], votes: NDArray, weight: NDArray
) -> pd.DataFrame:
    """A row a cell: candidates, noisy votes, how many candidates are over the threshold, and how many that is worth."""
    rows = []
    for k, cell in enumerate(cells):
        w = weight[codes == k]
        worth = w.sum() ** 2 / (w**2).sum() if w.sum() > 0 else 0.0
        rows.append((number, cell, len(w), votes[codes == k].sum(), int((w > 0).sum()), worth))
    columns = ["round", "cell", "candidates", "noisy_votes", "over_threshold", "effective_parents"]
    return pd.DataFrame(rows, columns=columns)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """What goes into a release: nothing of the machine."""
    settings.pop("workers", None)
    return settings
