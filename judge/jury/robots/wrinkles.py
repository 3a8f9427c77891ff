"""Wrinkles beyond what the entrant's age group shows (RYNKL of 2016).

Dark ridges in forehead, frown, eye-corner, under-eye, cheek and mouth zones, from the Hessian of scikit-image. A
wrinkle runs where its zone's muscle makes it run (across the forehead, away from the eye's corner, from nose to
mouth); pores, freckles and noise have no direction. So what is measured is the curvature across that direction, and
beside it the curvature along it, which is the background. Score: minus the excess over the reference people of the
same age group, in their standard deviations: 0 is as expected, +1 a standard deviation smoother. Higher is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.feature import hessian_matrix
from skimage.filters import frangi, meijering, sato

from judge.data.brackets import AGE_GROUPS
from judge.errors import InputError, listed
from judge.jury.faces import regions
from judge.jury.faces.alignment import Portraits
from judge.jury.robots import calibration
from judge.jury.robots.protocol import Judging, each

ISOTROPIC = {"sato": sato, "meijering": meijering, "frangi": frangi}
RIDGES = ("directed", *ISOTROPIC)
ANY_AGE = "any age"


@dataclass(frozen=True)
class Wrinkles(Judging):
    """How much less wrinkled a face is than reference people of its age group.

    channel    log: log-luminance, where a wrinkle of given depth has the same contrast on any skin in any light;
               grey: 0–1 grey levels as a camera gives them, where it has less on dark skin
    ridge      directed (see above), or scikit-image's sato, meijering or frangi, which answer to any direction
    sigmas     widths of the ridges in eye distances
    zones      weight of each zone, where no labels were learnt from
    background how much of the curvature along the direction is taken off, where no labels were learnt from; 0–1
    labels     column of a labelled reference set (degree of wrinkling) from which the weights are learnt, or null
    min_skin   part of a zone that must be skin for the zone to count
    shrink     an age group's expectation is drawn towards that of all ages as if by so many people
    """

    learns_from: ClassVar[str] = "pool"
    missing_because: ClassVar[str] = "too little skin in the wrinkle zones"

    channel: str = "log"
    ridge: str = "directed"
    sigmas: Sequence[float] = (0.022, 0.035)
    zones: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(regions.ZONES, 1.0))
    background: float = 0.8
    labels: str | None = None
    min_skin: float = 0.35
    shrink: float = 5.0
    name: str = "wrinkles"
    fitted: Mapping[str, NDArray] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.channel not in ("log", "grey"):
            raise InputError(f"{self.name}: channel is log or grey; given {self.channel!r}")
        if self.ridge not in RIDGES:
            raise InputError(f"{self.name}: ridge is one of {RIDGES}; given {self.ridge!r}")
        unknown = set(self.zones) - set(regions.ZONES)
        if unknown or not any(weight > 0 for weight in self.zones.values()):
            raise InputError(
                f"{self.name}: zones are weights over {listed(regions.ZONES)}; given {dict(self.zones)}"
            )

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Measurements (n, zones · sigmas · 2): mean ridge strength across, then along the zone's direction.

        In the order of `regions.ZONES`, then sigmas; NaN where too little of the zone is skin.
        """
        skins = portraits.skins
        width = len(regions.ZONES) * len(self.sigmas) * 2
        return each(portraits, lambda i: self._measure_one(portraits.crops[i], skins[i]), width)

    def _measure_one(self, crop: NDArray[np.uint8], skin: NDArray[np.bool_]) -> NDArray[np.float32]:
        size = crop.shape[0]
        unit = size / regions.EXTENT
        if self.channel == "log":
            light = regions.log_luminance(crop)
        else:
            light = crop @ np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
        masks = regions.zone_masks(size)
        inside = {name: mask & skin for name, mask in masks.items()}
        out = np.full((len(masks), len(self.sigmas), 2), np.nan, dtype=np.float32)
        for s, sigma in enumerate(self.sigmas):
            across, along = self._ridges(light, max(sigma * unit, 0.7))
            for z, (name, mask) in enumerate(masks.items()):
                if inside[name].sum() >= self.min_skin * mask.sum():
                    out[z, s] = across[inside[name]].mean(), along[inside[name]].mean()
        return out.ravel()

    def _ridges(self, light: NDArray, sigma: float) -> tuple[NDArray, NDArray]:
        if self.ridge != "directed":
            response = ISOTROPIC[self.ridge](light, sigmas=(sigma,), black_ridges=True)
            return response, np.zeros_like(response)
        hrr, hrc, hcc = hessian_matrix(light, sigma, order="rc", use_gaussian_derivatives=False)
        x, y = _directions(light.shape[0])
        across = (y * y * hcc - 2 * x * y * hrc + x * x * hrr) * sigma**2
        along = (x * x * hcc + 2 * x * y * hrc + y * y * hrr) * sigma**2
        # a dark line curves upwards across itself
        return np.clip(across - np.clip(along, 0, None), 0, None), np.clip(
            along - np.clip(across, 0, None), 0, None
        )

    def strength(self, measurements: NDArray) -> NDArray[np.float64]:
        """Strength (n,), higher with more wrinkles: the predicted label, or the weighted mean over the zones seen."""
        table = np.asarray(measurements, np.float64).reshape(-1, len(regions.ZONES), len(self.sigmas), 2)
        weights = np.array([float(self.zones.get(zone, 0.0)) for zone in regions.ZONES])
        seen = np.isfinite(table[..., 0]).all(2)
        enough = (seen * weights).sum(1) >= 0.4 * weights.sum()
        known = self.fitted or {}
        if "label_weights" in known:
            return np.where(enough, calibration.apply(_logs(table), known), np.nan)
        excess = (table[..., 0] - self.background * table[..., 1]).mean(2)
        # a zone hidden by hair must not make a face smooth: each zone is first put on a common scale
        level = np.where(seen, excess, 0) / known.get("zone_mean", np.ones(len(weights)))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, (level * weights).sum(1) / (seen * weights).sum(1), np.nan)

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Wrinkles:
        """Learns what reference people of each age group show; without the column age_group, one expectation for all.

        Raises InputError where fewer than two of the reference's faces can be measured.
        """
        table = np.asarray(measurements, np.float64).reshape(-1, len(regions.ZONES), len(self.sigmas), 2)
        known: dict[str, NDArray] = {}
        if self.labels is not None:
            known |= calibration.learn(_logs(table), calibration.labels_of(rows, self.labels, self.name))
        counted = np.isfinite(table).sum(axis=(0, 2, 3))
        mean = np.where(np.isfinite(table), table, 0)[..., 0].sum(axis=(0, 2)) / np.maximum(counted / 2, 1)
        known["zone_mean"] = np.where(mean > 0, mean, 1.0)
        value = pd.Series(self.with_fitted(known).strength(measurements))
        value = value[np.isfinite(value)]
        if len(value) < 2:
            raise InputError(f"{self.name}: the reference has {len(value)} face(s) to measure; 2 are needed")
        overall, spread = value.mean(), max(value.std(), 1e-6)
        known[ANY_AGE] = np.array([overall, spread, len(value)])
        group = rows["age_group"].astype(object) if "age_group" in rows else pd.Series(dtype=object)
        group = group.reset_index(drop=True)
        for name, part in value.groupby(group.reindex(value.index)):
            n = len(part)
            mean = (n * part.mean() + self.shrink * overall) / (n + self.shrink)
            within = ((part - part.mean()) ** 2).sum() + self.shrink * spread**2
            known[str(name)] = np.array([mean, np.sqrt(within / (n + self.shrink)), n])
        return self.with_fitted(known)

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Minus the excess over the age group (n,), in its standard deviations.

        Where the age group is not stated or the reference has nobody of it: over all ages.
        """
        known = self.known()
        group = rows["age_group"].astype(object) if "age_group" in rows else pd.Series([None] * len(rows))
        expected = np.array([known.get(name, known[ANY_AGE])[:2] for name in group]).reshape(-1, 2)
        return -(self.strength(measurements) - expected[:, 0]) / expected[:, 1]

    def expectation(self) -> pd.DataFrame:
        """What was learnt, a row an age group: age_group, mean and sd of the strength, n of the reference."""
        order = [name for name in (*AGE_GROUPS, ANY_AGE) if name in self.known()]
        table = pd.DataFrame([self.known()[name] for name in order], columns=["mean", "sd", "n"])
        return table.assign(age_group=order)[["age_group", "mean", "sd", "n"]]


def _logs(table: NDArray) -> NDArray[np.float64]:
    return np.log(table + 1e-4).reshape(len(table), np.prod(table.shape[1:], dtype=int))


@cache
def _directions(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit vectors (x, y) along the wrinkles of each pixel's zone, mirrored left of the midline; (1, 0) elsewhere."""
    x, y = np.ones((size, size), np.float32), np.zeros((size, size), np.float32)
    right = np.arange(size)[None, :] >= size / 2
    for zone, mask in regions.zone_masks(size).items():
        unit = np.array(regions.DIRECTIONS[zone]) / np.hypot(*regions.DIRECTIONS[zone])
        x[mask], y[mask] = unit
        x[mask & ~right] = -unit[0]
    return x, y
