"""Small pictures of two groups that differ in colour, for tests of generators."""

import numpy as np
import pandas as pd
from PIL import Image


def squares(folder, n=60, size=16, seed=0):
    """A manifest of n pictures: `dark` red or `light` blue discs of varying place, size and brightness."""
    rng = np.random.default_rng(seed)
    rows = []
    yy, xx = np.mgrid[:size, :size]
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        group = ("dark", "light")[i % 2]
        x, y = rng.uniform(0.35, 0.65, 2) * size
        radius = rng.uniform(0.2, 0.35) * size
        inside = (xx - x) ** 2 + (yy - y) ** 2 < radius**2
        level = rng.uniform(120, 220)
        colour = np.array([level, 30, 30] if group == "dark" else [30, 30, level])
        picture = np.where(inside[..., None], colour, 128).astype(np.uint8)
        path = folder / f"{i:04d}.png"
        Image.fromarray(picture).save(path)
        rows.append(
            {
                "image_id": f"{i:04d}", "path": str(path), "split": None, "rating": radius, "rating_source": "rule",
                "source": "parametric", "ethnicity": group, "gender": ("f", "m")[(i // 2) % 2], "age": 20.0 + i % 40,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
