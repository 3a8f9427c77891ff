"""Small pictures of two groups that differ in colour, rated by their size."""

import pandas as pd
from generated_people import squares


def discs(folder, n=200, size=16, seed=0):
    """MANIFEST of n pictures in `folder`: as many `dark` as `light` ones."""
    return squares(folder, n, size, seed).drop(columns="age").assign(path=lambda t: t["path"].astype(str))


def one_more(folder, people: pd.DataFrame) -> pd.DataFrame:
    """The same people and one of another seed."""
    other = squares(folder, 1, seed=99).drop(columns="age").assign(image_id="more")
    return pd.concat([people, other], ignore_index=True)
