"""DP-MEPF: one noisy mean of frozen public features by group, and a generator that is fitted to it.

Harder, Jalali, Sutherland & Park 2023, "Pre-trained perceptual features improve differentially private image
generation" (TMLR, arXiv:2205.12900). The private pictures are read once; all that follows is post-processing, and may
last as long as it likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError
from judge.privacy.budget import Mechanism
from judge.privacy.labels import PrivateLabels, cell_codes
from judge.privacy.people import PrivatePeople, Rows
from judge.privacy.pools.asking import beginning, in_words_of, people_asked, said_of
from judge.privacy.pools.pool import Made

if TYPE_CHECKING:
    from judge.generator import FaceGenerator, GeneratorTraining
    from judge.privacy.pools.matching import Targets

SUMS = "feature sums"


@dataclass(frozen=True)
class MeanEmbedding:
    """Settings of DP-MEPF; a method of judge.privacy.pools.pool.

    What is released of the people is a matrix of sums, a row for each cell of group × rating level, of pooled lite0
    features (1,280 numbers) that were divided by their L2 norm. A person adds a vector of norm 1 to one row: the
    sensitivity of the whole matrix is 1. The paper's VGG features have 303,104 numbers at 32 px, and the norm of the
    noise grows with their root.

    Ratings enter as `levels` of equally many people in each cell, between quantiles of the released labels, so that the
    appearance of a level is matched to its ratings. Two are the most that a line needs: under equal noise on each row,
    halves tell the slope along a normal rating with .57 of its length, thirds with .51, fifths with .42.

    size     of the pictures, px; private ones are reduced to it, too, before their features are read
    side     px at which lite0 reads private and made pictures alike
    levels   of the rating in each cell; 1: the pool's ratings have nothing to do with its pictures
    weight   share of the budget beside that of labels, 1 (Mechanism.weight)
    start    generator to begin with: None (random weights), packaged (rendered people), or a folder of judge generate
             train. It is taken for public, so it must not have learnt from the private people. Nothing here can tell:
             the packaged one learnt from the 20,000 rendered people of seed 15, who are no private people beside it
    pictures to fit the generator with
    batch, lr, latent, widths, window
             as in judge.generator.settings; of the fit (matching.fit)
    floor    distance of two means that the fit takes for nothing: what keeps a row with little noise from counting
             without bound
    """

    size: int = 32
    side: int = 64
    levels: int = 2
    weight: float = 1.0
    start: str | None = None
    pictures: int = 48_000
    batch: int = 32
    lr: float = 5e-4
    latent: int = 64
    widths: tuple[int, ...] | None = None
    window: int = 64
    floor: float = 0.05
    name: ClassVar[str] = "mean_embedding"

    def __post_init__(self) -> None:
        for name, least in {
            "side": 32,
            "levels": 1,
            "pictures": 1,
            "batch": 2,
            "latent": 2,
            "window": 1,
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name}={value!r}: a whole number from {least}")
        for name in ("weight", "lr", "floor"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise InputError(f"{name}={value!r}: a number over 0")
        self._network_settings()  # refuses sizes and widths

    def _network_settings(self) -> GeneratorTraining:
        from judge.generator.settings import GeneratorTraining

        return GeneratorTraining(
            size=self.size, widths=self.widths, latent=self.latent, lr=self.lr, batch=self.batch
        )

    def mechanisms(self, n: int) -> list[Mechanism]:
        return [Mechanism(SUMS, self.weight)]

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
        """Releases the sums, fits the generator to them and draws the pool. Raises InputError for a bad `start`."""
        from judge.privacy.pools.matching import fit

        rng = np.random.default_rng(seed)
        generator = self.beginning(labels, seed=seed)
        asked = people_asked(labels, wanted, rng=rng)
        targets = self.released(people, labels, noise=noise)
        drills = people_at_levels(labels, self.levels, each=200, rng=rng)
        generator, history = fit(
            generator,
            targets,
            drills.pop("row").to_numpy(),
            in_words_of(self.start, generator, drills, labels, rng=rng),
            self,
            seed=seed,
            progress=progress,
        )
        pictures = generator.draw(
            in_words_of(self.start, generator, asked, labels, rng=rng), seed=seed, progress=progress
        )
        public = {"features": "tf_efficientnet_lite0, with weights from ImageNet"}
        return Made(
            asked[["cell", "rating"]],
            pictures,
            public=public | said_of(self.start),
            facts={"settings": asdict(self)},
            tables={"noise": targets.table, "fit": pd.DataFrame(history)},
        )

    def released(
        self, people: PrivatePeople, labels: PrivateLabels, *, noise: np.random.Generator
    ) -> Targets:
        """Charges SUMS: noisy means of the features by cell and level, a row each, in the order of `rows_of`."""
        import torch

        from judge.jury.network.pictures import decode_chunk
        from judge.privacy.pools.frozen import WIDTH, FrozenFeatures
        from judge.privacy.pools.matching import Targets

        network = FrozenFeatures(self.side)

        def read(manifest: pd.DataFrame) -> NDArray[np.float32]:
            parts = []
            for first in range(0, len(manifest), 512):
                paths = manifest["path"].iloc[first : first + 512].tolist()
                decoded = decode_chunk(paths, range(len(paths)), self.size)
                features = network.of_bytes(decoded.pixels)
                features[list(decoded.broken)] = 0.0  # nothing was seen of them
                parts.append(features.numpy())
            return np.concatenate(parts)

        people.derive("mean_embedding", read)
        edges = level_edges(labels, self.levels)
        place = {name: k for k, name in enumerate(labels.cells.index)}

        def query(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            cell = cell_codes(rows.manifest, labels.features, place)
            rating = rows.manifest["rating"].to_numpy(float)
            level = levels_of(rating, cell, edges)
            counted = (cell >= 0) & np.isfinite(rating)
            return np.where(counted, cell * self.levels + level, -1), unit(rows.derived["mean_embedding"])

        sums = people.sums(SUMS, query, len(place) * self.levels, sensitivity=1.0, rng=noise)
        # each level was chosen to have as many people; counting them again would cost again
        counts = np.repeat(np.maximum(labels.totals.to_numpy() / self.levels, 1.0), self.levels)
        sigma = people.ledger.plan.noise(SUMS)
        length = sigma * np.sqrt(WIDTH) / counts  # of the noise in each mean
        weight = 1 / (self.floor**2 + length**2)
        table = pd.DataFrame(
            {
                "cell": np.repeat(labels.cells.index.to_numpy(), self.levels),
                "level": np.tile(np.arange(self.levels), len(place)),
                "noisy_count": counts,
                "noise_of_mean": length,
                "length_of_mean": np.linalg.norm(sums / counts[:, None], axis=1),
                "weight": weight / weight.sum(),
            }
        )
        return Targets(
            torch.from_numpy((sums / counts[:, None]).astype(np.float32)),
            torch.from_numpy((weight / weight.mean()).astype(np.float32)),
            table,
        )

    def beginning(self, labels: PrivateLabels, *, seed: int) -> FaceGenerator:
        """The generator before the fit. Raises InputError for a bad `start`."""
        channels = self._network_settings().channels
        return beginning(self.start, labels, size=self.size, channels=channels, latent=self.latent, seed=seed)


def unit(features: NDArray) -> NDArray[np.float64]:
    """Rows divided by their L2 norm; a row of zeros, or of anything that is not finite, becomes zeros."""
    features = np.asarray(features, dtype=float)
    features = np.where(np.isfinite(features).all(1, keepdims=True), features, 0.0)
    largest = np.abs(features).max(1, keepdims=True)  # first, so that squares of huge ones stay finite
    features = np.divide(features, largest, out=np.zeros_like(features), where=largest > 0)
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(features, norm, out=np.zeros_like(features), where=norm > 0)


def level_edges(labels: PrivateLabels, levels: int) -> NDArray[np.float64]:
    """(cells, levels − 1): ratings between levels of equally many people, by the released labels."""
    at = np.arange(1, levels) / levels
    return np.array([labels.quantile(str(cell), at) for cell in labels.cells.index]).reshape(
        len(labels.cells), levels - 1
    )


def levels_of(
    rating: NDArray[np.float64], cell: NDArray[np.int64], edges: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Level of each rating in its cell, 0 the lowest; of nobody's cell (−1) that of the last, which counts nowhere."""
    return (rating[:, None] >= edges[cell]).sum(1)


def people_at_levels(
    labels: PrivateLabels, levels: int, *, each: int, rng: np.random.Generator
) -> pd.DataFrame:
    """`each` people of every row of the released matrix: `row`, `cell`, the features, ratings within the level."""
    parts = []
    for k, cell in enumerate(labels.cells.index):
        for level in range(levels):
            at = (level + rng.uniform(size=each)) / levels
            own = {name: labels.cells.loc[cell, name] for name in labels.features}
            rating = labels.quantile(str(cell), at)
            parts.append(pd.DataFrame({"row": k * levels + level, "cell": cell, **own, "rating": rating}))
    return pd.concat(parts, ignore_index=True)
