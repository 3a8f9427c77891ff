"""Small real picture files, every one with its own pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).parents[3] / "shared" / "data"


class Pictures:
    """`pictures(path)` writes a JPEG whose pixels no other has; the same `seed` gives the same bytes again."""

    def __init__(self):
        self.made = 0

    def __call__(self, path, *, seed=None, kind="JPEG", size=(12, 10), cut=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.made += 1
        rng = np.random.default_rng(1000 + self.made if seed is None else seed)
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, kind)
        if cut:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path


@pytest.fixture
def pictures():
    return Pictures()


@pytest.fixture
def shared():
    """The folder of real photographs beside the checkout; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("no folder ../shared/data beside the checkout")
    return SHARED


@pytest.fixture
def reasons():
    """reasons(dataset) → {reason: number of things excluded}"""
    return lambda dataset: dataset.excluded["reason"].value_counts().to_dict()
