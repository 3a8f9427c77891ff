"""What each control of the parametric faces does to pixels, and what else it moves.

    python experiments/parametric_controls.py                 about a minute on two cores

Twelve bare-headed people of mixed groups, six lighter and six darker, in fixed frontal light, 128 px; one control
at a time goes through its range while everything else stays. The four that are meant to move a measurement go
in seven steps, the others from end to end. Measured on the pixels (and the true landmarks) by rules that know
nothing of the parameters. Writes results/parametric_controls.csv:

    check = target   Spearman correlation of a control with the measurement it should move: mean and worst person
    check = side     how far a measurement moves when a control goes from its low to its high end, in standard
                     deviations of that measurement over 60 people of mode independent in the same light

and the figure results/parametric_controls.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from joblib import Parallel, delayed
from scipy import stats
from skimage.color import rgb2lab
from skimage.feature import blob_dog
from skimage.filters import sato
from skimage.morphology import convex_hull_image

from judge.data.parametric import geometry
from judge.data.parametric.people.population import persons, sample
from judge.data.parametric.people.tone import ita_of_lab
from judge.data.parametric.picture import render

SIZE, STEPS = 128, 7
CONTROLS = {  # low and high end
    "melanin": (0, 1),
    "wrinkles": (0, 1),
    "blemishes": (0, 110),
    "asymmetry": (0, 1),
    "haemoglobin": (0, 1),
    "freckles": (0, 1),
    "age": (18, 69),
    "weight": (0.1, 0.9),
    "masculinity": (0, 1),
    "smile": (-0.6, 1),
    "makeup": (0, 1),
    "beard": (0, 1),
    "exposure": (0.4, 1.4),
    "light_azimuth": (0, 60),
    "noise": (0, 0.04),
    "blur": (0, 1.5),
}
TARGETS = (  # control, measurement, direction
    ("melanin", "ita", -1),
    ("asymmetry", "landmark_asymmetry", 1),
    ("asymmetry", "mirror_difference", 1),
    ("wrinkles", "ridge_energy", 1),
    ("blemishes", "blob_count", 1),
)
FIXED = {
    "light_azimuth": 0.0,
    "hair_style": "none",
    "beard": 0.0,
    "freckles": 0.0,
    "blemishes": 0,
    "wrinkles": 0.0,
}
LEFT = [geometry.LANDMARKS.index(n) for n in geometry.LANDMARKS if n.endswith("_l")]
RIGHT = [geometry.LANDMARKS.index(n[:-1] + "r") for n in geometry.LANDMARKS if n.endswith("_l")]
MIDDLE = [k for k, n in enumerate(geometry.LANDMARKS) if n[-2:] not in ("_l", "_r")]


def measure(person: dict) -> dict[str, float]:
    """Measurements of one picture; pixels are those of the JPEG file."""
    picture = render.render(person, SIZE)
    marks = geometry.landmarks(person, SIZE)
    at = dict(zip(geometry.LANDMARKS, marks["pixels"], strict=True))
    unit = np.hypot(*(at["pupil_l"] - at["pupil_r"]))
    lab = rgb2lab(picture)
    skin, cheeks = regions(at, unit)
    colour = np.median(lab[cheeks], axis=0)
    # absorbance: what pigment adds is about the same on light and dark skin, unlike lightness
    green = np.maximum(picture[..., 1] / 255, 0.02)
    absorbance = -np.log10(np.where(green <= 0.04045, green / 12.92, ((green + 0.055) / 1.055) ** 2.4))
    x, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    return {
        "ita": float(ita_of_lab(colour)),
        "lightness": float(colour[0]),
        "redness": float(colour[1]),
        "landmark_asymmetry": landmark_asymmetry(marks["points"]),
        "mirror_difference": mirror_difference(lab, at, skin),
        "ridge_energy": float(100 * ridges(lab[..., 0] / 100, skin)),
        "blob_count": float(blobs(absorbance, skin, unit)),
        "mean_luminance": float(lab[(x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2 < (0.4 * SIZE) ** 2, 0].mean()),
    }


def regions(at: dict[str, np.ndarray], unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Masks of bare facial skin (brow to chin without eyes, brows, nostrils and lips) and of the two cheeks."""
    row, column = np.mgrid[:SIZE, :SIZE]

    def disc(centre: np.ndarray, wide: float, high: float) -> np.ndarray:
        return ((column - centre[0]) / (wide * unit)) ** 2 + ((row - centre[1]) / (high * unit)) ** 2 < 1

    outline = np.zeros((SIZE, SIZE), bool)
    for name in ("forehead", "chin", "cheek_l", "cheek_r", "jaw_l", "jaw_r", "brow_outer_l", "brow_outer_r"):
        outline[tuple(np.clip(np.round(at[name][::-1]).astype(int), 0, SIZE - 1))] = True
    for side in "lr":  # the corners of the forehead have no landmark
        corner = np.array([at[f"brow_peak_{side}"][0], 0.8 * at["forehead"][1] + 0.2 * at["nasion"][1]])
        outline[tuple(np.round(corner[::-1]).astype(int))] = True
    skin = convex_hull_image(outline)
    for side in "lr":
        skin &= ~disc((at[f"eye_inner_{side}"] + at[f"eye_outer_{side}"]) / 2, 0.36, 0.2)
        for part in ("brow_inner", "brow_peak", "brow_outer"):
            skin &= ~disc(at[f"{part}_{side}"], 0.24, 0.16)
        skin &= ~disc(at[f"nostril_{side}"], 0.2, 0.16)
    skin &= ~disc(at["mouth"], 0.56, 0.33)
    skin &= ~disc(at["nose_tip"], 0.22, 0.22)
    cheeks = np.zeros_like(skin)
    for side in "lr":
        centre = (at[f"cheek_{side}"] + at[f"nostril_{side}"]) / 2
        cheeks |= disc(centre, 0.16, 0.16)
    return skin, cheeks & skin


def landmark_asymmetry(points: np.ndarray) -> float:
    """Root mean square distance of the landmarks from their mirror images, % of the eye-corner distance.

    points (k, 3) in the order of LANDMARKS; the mirror plane is fitted through the pairs' midpoints.
    """
    flipped = points.copy()
    flipped[LEFT], flipped[RIGHT] = points[RIGHT], points[LEFT]
    flipped = flipped * [-1, 1, 1]
    # the best rigid motion between the two takes out where the midline happens to be
    a, b = points - points.mean(0), flipped - flipped.mean(0)
    u, _, vt = np.linalg.svd(b.T @ a)
    u[:, -1] *= np.sign(np.linalg.det(u @ vt))
    outer = geometry.LANDMARKS.index("eye_outer_l"), geometry.LANDMARKS.index("eye_outer_r")
    width = np.linalg.norm(points[outer[0]] - points[outer[1]])
    return float(100 * np.sqrt(((a - b @ u @ vt) ** 2).sum(1).mean()) / width)


def mirror_difference(lab: np.ndarray, at: dict[str, np.ndarray], skin: np.ndarray) -> float:
    """Mean CIELAB distance between the face and its mirror image about the midpoint of the eyes."""
    middle = round(float(at["pupil_l"][0] + at["pupil_r"][0]))  # column c ↔ middle − c
    columns = np.arange(SIZE)
    mirrored = middle - columns
    inside = (mirrored >= 0) & (mirrored < SIZE)
    flip = lab[:, np.clip(mirrored, 0, SIZE - 1)]
    face = convex_hull_image(skin)
    both = face & face[:, np.clip(mirrored, 0, SIZE - 1)] & inside[None, :]
    return float(np.linalg.norm(lab - flip, axis=-1)[both].mean())


def ridges(lightness: np.ndarray, skin: np.ndarray) -> float:
    """Mean strength of dark lines about 1 px wide on the skin (Sato et al. 1998)."""
    return float(sato(lightness, sigmas=(0.7, 1.0), black_ridges=True)[skin].mean())


def blobs(absorbance: np.ndarray, skin: np.ndarray, unit: float) -> int:
    """How many dark spots the skin has (difference of Gaussians)."""
    found = blob_dog(
        absorbance, min_sigma=0.016 * unit, max_sigma=0.06 * unit, sigma_ratio=1.4, threshold=0.025
    )
    return int(skin[tuple(found[:, :2].astype(int).T)].sum()) if len(found) else 0


def bases() -> list[dict]:
    """Twelve people, one of each ethnicity × gender in lighter and in darker skin, in fixed light."""
    people = sample(24, seed=501, composition={"age_group": {"30-39": 1}}, camera="fixed")
    people = people.groupby(["ethnicity", "gender"]).head(2).reset_index(drop=True)
    melanin = np.where(people.groupby(["ethnicity", "gender"]).cumcount() == 0, 0.12, 0.6)
    # asymmetry 0 at the base: what a person starts with must not drown what a control adds
    return [
        {**p, **FIXED, "asymmetry": 0.0, "melanin": m} for p, m in zip(persons(people), melanin, strict=True)
    ]


def sweep(number: int, person: dict, control: str, value: float) -> dict:
    value = round(value) if control in ("blemishes", "age") else round(float(value), 4)
    return {"person": number, "control": control, "value": value, **measure({**person, control: value})}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    people = bases()
    jobs = [
        delayed(sweep)(number, person, control, value)
        for control, (low, high) in CONTROLS.items()
        for number, person in enumerate(people)
        for value in np.linspace(low, high, STEPS if control in {t[0] for t in TARGETS} else 2)
    ]
    pool = Parallel(n_jobs=args.workers, batch_size=8)
    table = pd.DataFrame(pool(jobs))
    crowd = sample(60, seed=502, camera="fixed").assign(light_azimuth=0.0, hair_style="none")
    spread = pd.DataFrame(pool(delayed(measure)(person) for person in persons(crowd))).std()
    measures = [c for c in table if c not in ("person", "control", "value")]

    rows = []
    for control, name, sign in TARGETS:
        part = table[table["control"] == control]
        for skin, chosen in (
            ("all", part),
            ("lighter", part[part["person"] % 2 == 0]),
            ("darker", part[part["person"] % 2 == 1]),
        ):
            if control == "melanin" and skin != "all":
                continue
            each = [
                sign * stats.spearmanr(p["value"], p[name]).statistic for _, p in chosen.groupby("person")
            ]
            ends = chosen.groupby("value")[name].mean()
            rows.append(
                {
                    "check": "target", "control": control, "measurement": name, "skin": skin,
                    "spearman_mean": np.mean(each), "spearman_worst": np.min(each), "people": len(each),
                    "at_low": ends.iloc[0], "at_high": ends.iloc[-1],
                }
            )  # fmt: skip
    for control in CONTROLS:
        part = table[table["control"] == control]
        ends = part.groupby("value")[measures].mean()
        for name in measures:
            moved = ends[name].iloc[-1] - ends[name].iloc[0]
            rows.append(
                {
                    "check": "side", "control": control, "measurement": name, "skin": "all",
                    "at_low": ends[name].iloc[0], "at_high": ends[name].iloc[-1],
                    "moved_sd": moved / spread[name], "people": len(people),
                }
            )  # fmt: skip
    result = pd.DataFrame(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    result.round(4).to_csv(args.out / "parametric_controls.csv", index=False)
    figure(table, result, measures).savefig(args.out / "parametric_controls.png", dpi=110)
    print(result[result["check"] == "target"].round(3).to_string(index=False))
    print(
        result[result["check"] == "side"]
        .pivot(index="control", columns="measurement", values="moved_sd")
        .round(2)
    )


def figure(table: pd.DataFrame, result: pd.DataFrame, measures: list[str]) -> plt.Figure:
    """Above: the five targets, a line a person. Below: the table of side effects as a heat map."""
    sns.set_theme(style="whitegrid", font_scale=0.85)
    fig = plt.figure(figsize=(13, 9), layout="constrained")
    grid = fig.add_gridspec(2, len(TARGETS), height_ratios=(1, 1.7))
    for k, (control, name, _) in enumerate(TARGETS):
        axes = fig.add_subplot(grid[0, k])
        part = table[table["control"] == control].assign(
            skin=lambda t: np.where(t["person"] % 2, "darker", "lighter")
        )
        lines = {"units": "person", "estimator": None, "palette": {"lighter": "#d99a6c", "darker": "#5a3421"}}
        if control == "melanin":
            part = part.assign(skin="lighter")
        sns.lineplot(
            part, x="value", y=name, hue="skin", legend=k == len(TARGETS) - 1, ax=axes, lw=0.9, **lines
        )
        rho = result[
            (result["check"] == "target") & (result["control"] == control) & (result["skin"] == "all")
        ]
        rho = rho.set_index("measurement")["spearman_mean"][name]
        axes.set(xlabel=control, ylabel=name.replace("_", " "), title=f"Spearman {rho:.3f}")
    axes = fig.add_subplot(grid[1, :])
    moved = result[result["check"] == "side"].pivot(index="control", columns="measurement", values="moved_sd")
    moved = moved.loc[list(CONTROLS), measures].rename(columns=lambda name: name.replace("_", " "))
    sns.heatmap(
        moved, annot=True, fmt=".1f", center=0, vmin=-4, vmax=4, cmap="RdBu_r", ax=axes,
        cbar_kws={"label": "moved, standard deviations over people"},
    )  # fmt: skip
    axes.set(xlabel="", ylabel="", title="What each control moves from its low to its high end")
    axes.tick_params(axis="y", rotation=0)
    return fig


if __name__ == "__main__":
    main()
