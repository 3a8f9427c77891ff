"""What each control of a parametric face does to pixels, and what else it moves: the table of side effects.

    python experiments/parametric_controls.py            # about a minute; writes a CSV to standard output

One control at a time goes from its low to its high end on 12 random people at fixed light (128 pixels, before
JPEG), everything else held. Columns: the median change over the people of ITA on the cheeks (degrees), of ridge
energy (mean |LoG| of log brightness in the face, thousandths), of the number of red blobs, of the mirrored
difference of the face (grey levels) and of true landmark asymmetry (thousandths of the eye distance); the last
column is Spearman's correlation of the control with the measure it is meant to move, over 7 steps, median.
"""

from __future__ import annotations

import csv
import sys

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_laplace, maximum_filter
from scipy.stats import spearmanr
from skimage.color import rgb2lab

from judge.data.parametric import geometry
from judge.data.parametric.person import neutral
from judge.data.parametric.render import render_raw

SIZE, PEOPLE, STEPS = 128, 12, 7
MEASURES = ("ita", "ridges", "blobs", "mirror", "landmarks")
# control → its range and the measure it is meant to move
CONTROLS = {
    "melanin": ((0.0, 1.0), "ita"),
    "wrinkles": ((0.0, 1.0), "ridges"),
    "blemishes": ((0, 80), "blobs"),
    "asymmetry": ((0.0, 1.0), "landmarks"),
    "haemoglobin": ((0.0, 1.0), None),
    "freckles": ((0.0, 1.0), None),
    "age": ((25, 75), None),
    "masculinity": ((0.0, 1.0), None),
    "african": ((0.0, 1.0), None),
    "smile": ((-0.5, 1.0), None),
    "makeup": ((0.0, 1.0), None),
    "beard": ((0.0, 1.0), None),
    "exposure": ((0.35, 1.5), None),
    "light_azimuth": ((0, 60), None),
    "noise": ((0.0, 0.04), None),
    "blur": ((0.0, 1.5), None),
}
PLACE = {name: i for i, name in enumerate(geometry.LANDMARKS)}


def someone(number: int) -> dict:
    rng = np.random.default_rng(number)
    person = neutral() | {"stream": int(rng.integers(2**62)), "masculinity": float(rng.random())}
    ancestry = rng.dirichlet([0.5] * 3)
    person |= dict(zip(geometry.RACES, map(float, ancestry), strict=True))
    person |= {name: float(0.3 * rng.normal()) for name in geometry.LOCAL_NAMES}
    person |= {name: float(rng.uniform(-1, 1)) for name in geometry.ASYM_NAMES}
    person |= {"asymmetry": 0.2, "melanin": float(rng.random()), "age": float(rng.uniform(20, 65))}
    return person | {"blemishes": 5, "wrinkles": 0.2, "light_azimuth": 0.0, "hair_style": "none"}


def measure(person: dict) -> dict[str, float]:
    picture = render_raw(person, SIZE)
    marks = geometry.landmarks(person, SIZE)
    box = picture[int(0.3 * SIZE) : int(0.84 * SIZE), int(0.3 * SIZE) : int(0.7 * SIZE)].astype(float)
    patches = []
    for side in "lr":
        ends = [marks["pixels"][PLACE[f"{n}_{side}"]] for n in ("lower_lid", "mouth_corner", "cheek")]
        column, row = np.mean(ends, 0).astype(int)
        patches.append(picture[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3))
    lightness, _, yellow = np.median(rgb2lab(np.concatenate(patches)[None] / 255)[0], 0)
    tone = box.mean(-1)
    smooth = gaussian_filter(tone, 1)
    red = -gaussian_laplace(np.log(box[..., 0] + 1) - np.log(box[..., 1] + 1), 1.8)
    points = marks["points"]
    pairs = [(PLACE[n], PLACE[n[:-1] + "r"]) for n in PLACE if n.endswith("_l") and not n.startswith("pupil")]
    return {
        "ita": float(np.degrees(np.arctan2(lightness - 50, yellow))),
        "ridges": 1000 * float(np.abs(gaussian_laplace(np.log(tone + 1), 1.2)).mean()),
        "blobs": float(((red == maximum_filter(red, 5)) & (red > 0.01)).sum()),
        "mirror": float(np.abs(smooth - smooth[:, ::-1]).mean()),
        "landmarks": 1000
        * float(np.mean([np.linalg.norm(points[a] * [-1, 1, 1] - points[b]) for a, b in pairs])),
    }


def main() -> None:
    people = [someone(i) for i in range(PEOPLE)]
    out = csv.writer(sys.stdout)
    out.writerow(["control", "low", "high", *MEASURES, "meant for", "spearman"])
    for control, ((low, high), meant) in CONTROLS.items():
        changes, ranks = [], []
        for person in people:
            values = np.linspace(low, high, STEPS) if meant else np.array([low, high])
            if isinstance(low, int) and isinstance(high, int):
                values = values.round()
            rows = [measure(person | {control: value.item()}) for value in values]
            changes.append([rows[-1][m] - rows[0][m] for m in MEASURES])
            if meant:
                ranks.append(spearmanr(values, [row[meant] for row in rows]).statistic)
        middle = [f"{v:.1f}" for v in np.median(changes, 0)]
        out.writerow([control, low, high, *middle, meant or "", f"{np.median(ranks):.3f}" if ranks else ""])


if __name__ == "__main__":
    main()
