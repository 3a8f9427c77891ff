import numpy as np
import pytest

torch = pytest.importorskip("torch")

from judge.data.parametric.person import neutral  # noqa: E402
from judge.data.parametric.picture.render import render_raw  # noqa: E402
from judge.data.parametric.picture.render_torch import render_torch  # noqa: E402


def people():
    styles = [("none", "straight"), ("short", "coiled"), ("long", "curly"), ("short", "straight")]
    return [
        neutral()
        | {"stream": i, "hair_style": style, "hair_texture": texture, "melanin": i / 4, "wrinkles": 0.3 * i}
        | {"beard": 0.3 * i, "glasses": ("none", "thick")[i % 2], "blemishes": 10 * i, "noise": 0.01 * i}
        | {"yaw": 6.0 * i, "blur": 0.5 * (i % 2)}
        for i, (style, texture) in enumerate(styles)
    ]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_batched_tensors_draw_the_same_pictures(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    rows = people()
    batch = render_torch(rows, 64, device)
    single = np.stack([render_raw(row, 64) for row in rows])
    assert batch.shape == single.shape
    difference = np.abs(batch.astype(int) - single)
    assert difference.mean() < 2
    assert difference.mean((1, 2, 3)).max() < 2


def test_an_empty_batch_gives_no_pictures():
    assert render_torch([], 64, "cpu").shape == (0, 64, 64, 3)
