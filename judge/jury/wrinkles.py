"""RYNKL: wrinkles beyond what the entrant's age group shows.

Dark ridges (Sato et al. 1998, by scikit-image) in forehead, eye-corner, under-eye, cheek and mouth zones. The score
is minus the excess over the reference people of the same age group, in their standard deviations: 0 is as
expected, +1 a standard deviation smoother. Higher is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.filters import frangi, meijering, sato

from judge.data.tables import AGE_GROUPS
from judge.errors import InputError, listed
from judge.jury import regions
from judge.jury.portraits import Portraits
from judge.jury.robots import Judging, each

RIDGES = {"sato": sato, "meijering": meijering, "frangi": frangi}
ANY_AGE = "any age"


@dataclass(frozen=True)
class Wrinkles(Judging):
    """channel    log: log-luminance, where a wrinkle of given depth has the same contrast on any skin in any light;
               grey: 0–255 grey levels as a camera gives them, where it has less on dark skin
    ridge      sato, meijering or frangi (the latter two normalise each picture by itself)
    sigma      width of the ridges in eye distances
    flatten    shading broader than this is taken out, eye distances (standard deviation of a Gaussian)
    floor      ridges weaker than this are taken for noise, in units of the channel
    zones      weight of each zone's mean ridge strength
    min_skin   part of a zone that must be skin for the zone to count
    shrink     an age group's expectation is drawn towards that of all ages as if by so many people
    """

    channel: str = "log"
    ridge: str = "sato"
    sigma: float = 0.03
    flatten: float = 0.15
    floor: float = 0.0
    zones: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(regions.ZONES, 1.0))
    min_skin: float = 0.35
    shrink: float = 5.0
    name: str = "rynkl"
    unable: str = "too little skin in the wrinkle zones, or age group unknown to the reference"
    fitted: Mapping[str, NDArray] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.channel not in ("log", "grey"):
            raise InputError(f"{self.name}: channel is log or grey; given {self.channel!r}")
        if self.ridge not in RIDGES:
            raise InputError(f"{self.name}: ridge is one of {listed(RIDGES)}; given {self.ridge!r}")
        unknown = set(self.zones) - set(regions.ZONES)
        if unknown or not any(weight > 0 for weight in self.zones.values()):
            raise InputError(
                f"{self.name}: zones are weights over {listed(regions.ZONES)}; given {dict(self.zones)}"
            )

    def look(self, portraits: Portraits) -> NDArray[np.float32]:
        """Mean ridge strength in each of `regions.ZONES` (n, 5); NaN where too little of the zone is skin."""
        skins = portraits.skins
        return each(portraits, lambda i: self._measure(portraits.crops[i], skins[i]), len(regions.ZONES))

    def _measure(self, crop: NDArray[np.uint8], skin: NDArray[np.bool_]) -> NDArray[np.float32]:
        size = crop.shape[0]
        unit = size / regions.EXTENT
        if self.channel == "log":
            light = regions.log_luminance(crop)
        else:
            light = crop @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        flat = light - gaussian_filter(light, self.flatten * unit)
        response = RIDGES[self.ridge](flat, sigmas=(max(self.sigma * unit, 0.7),), black_ridges=True)
        response = np.clip(response - self.floor, 0, None)
        out = []
        for mask in regions.zone_masks(size).values():
            inside = mask & skin
            enough = inside.sum() >= self.min_skin * mask.sum()
            out.append(response[inside].mean() if enough else np.nan)
        return np.array(out, dtype=np.float32)

    def strength(self, evidence: NDArray) -> NDArray[np.float64]:
        """Log of the weighted mean over the zones that could be seen, (n,): more wrinkles, higher."""
        weights = np.array([float(self.zones.get(zone, 0.0)) for zone in regions.ZONES])
        seen = np.isfinite(evidence) & (weights > 0)
        # a zone hidden by hair must not make a face smooth: each zone is first put on a common scale
        scale = self.known()["zone_mean"] if self.fitted is not None else np.ones(len(weights))
        part = np.where(seen, np.nan_to_num(evidence) / scale, 0.0)
        total = (seen * weights).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (part * weights).sum(1) / total
            return np.where(total >= 0.4 * weights.sum(), np.log(mean + 1e-3), np.nan)

    def fit(self, evidence: NDArray, rows: pd.DataFrame) -> Wrinkles:
        """What reference people of each age group show; without ages, one expectation for all."""
        zone_mean = np.nanmean(np.asarray(evidence, float), axis=0)
        zone_mean = np.where(np.isfinite(zone_mean) & (zone_mean > 0), zone_mean, 1.0)
        known: dict[str, NDArray] = {"zone_mean": zone_mean}
        value = pd.Series(self.with_fitted(known).strength(evidence))
        value = value[np.isfinite(value)]
        if len(value) < 2:
            raise InputError(f"{self.name}: the reference has {len(value)} face(s) to measure; 2 are needed")
        overall, spread = value.mean(), max(value.std(), 1e-6)
        known[ANY_AGE] = np.array([overall, spread, len(value)])
        group = rows["age_group"].astype(object) if "age_group" in rows else pd.Series(dtype=object)
        for name, part in value.groupby(group.reindex(value.index)):
            n = len(part)
            mean = (n * part.mean() + self.shrink * overall) / (n + self.shrink)
            within = ((part - part.mean()) ** 2).sum() + self.shrink * spread**2
            known[str(name)] = np.array([mean, np.sqrt(within / (n + self.shrink)), n])
        return self.with_fitted(known)

    def score(self, evidence: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Minus the excess over the age group, in its standard deviations. Without stated age: over all ages."""
        known = self.known()
        group = rows["age_group"].astype(object) if "age_group" in rows else pd.Series([None] * len(rows))
        group = group.where(group.notna(), ANY_AGE)
        expected = np.array([known.get(name, [np.nan, np.nan])[:2] for name in group]).reshape(-1, 2)
        return -(self.strength(evidence) - expected[:, 0]) / expected[:, 1]

    def expectation(self) -> pd.DataFrame:
        """age_group, mean, sd (log ridge strength), n of the reference."""
        order = [name for name in (*AGE_GROUPS, ANY_AGE) if name in self.known()]
        table = pd.DataFrame([self.known()[name] for name in order], columns=["mean", "sd", "n"])
        return table.assign(age_group=order)[["age_group", "mean", "sd", "n"]]
