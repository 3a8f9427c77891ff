"""A stack of trainings ends where each training alone would end.

Tolerance: a stacked sum is rounded in another order, and AdamW divides small gradients by their size, which makes 1e-7
of a gradient's rounding as much as 1e-4 of a step now and then. Seen are 2e-6 (norms frozen) to 5e-4 (no average, not
clipped) of a rating of 1 to 9; 2e-3 is allowed. A wrong mask, order or norm moves the ratings by a hundred times that.
"""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from judge.errors import InputError
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.depths import Depths
from judge.jury.network.losses import Huber, LabelDistribution, SquaredError
from judge.jury.network.pool import Pool, predict
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.stacked import Planned, Shelf, refusal, together, train_stacked
from judge.jury.network.training import Training, learning_rate, train
from judge.jury.network.views import frozen_views
from judge.storage.tensors import load_tensors

RANGE = (1.0, 9.0)
SPEC = NetworkSpec("test_efficientnet", 32, dropout=0.2, drop_path=0.1)
SETTINGS = Training(
    epochs=3, batch=8, lr=2e-3, layer_decay=0.9, clip=0.5, ema_half_life=0.5, accelerator="cpu"
)


def pool(n, seed, loss=None, size=36):
    """Grey pictures rated by their brightness, weights from 0.5 to 1.5."""
    g = torch.Generator().manual_seed(seed)
    rating = torch.rand(n, generator=g) * 8 + 1
    pixels = (rating / 9 * 255).view(-1, 1, 1, 1) + torch.randn(n, 3, size, size, generator=g) * 10
    weight = 0.5 + torch.rand(n, generator=g)
    histogram = None
    if isinstance(loss, LabelDistribution):
        ids = pd.Series([str(i) for i in range(n)])
        histogram = torch.from_numpy(loss.targets(ids, rating.numpy(), None, RANGE))
    return Pool(pixels.clamp(0, 255).to(torch.uint8), rating, weight / weight.mean(), histogram)


def calls(folder, *, loss=None, settings=SETTINGS, spec=SPEC, k=3, views=0, weights=None, n=20):
    """What `train` is called with, k times: other pools, seeds, scales and validation parts."""
    loss = loss or SquaredError()
    if isinstance(loss, LabelDistribution):
        spec = replace(spec, levels=tuple(loss.level_values(RANGE)))
    if weights is None:
        torch.manual_seed(99)
        weights = folder / "backbone.safetensors"
        folder.mkdir(parents=True, exist_ok=True)
        save_file(build_network(spec, "none").backbone.state_dict(), weights)
    out = []
    for number in range(k):
        own = replace(spec, centre=4.0 + number, spread=1.5 + number / 4)
        make = partial(build_network, own, str(weights))
        data = pool(n, seed=number, loss=loss)
        if views:
            data.pixels = frozen_views(
                make(), data.pixels, Augmentation(), size=32, stage=settings.train_from_stage, views=views,
                progress=False,
            )  # fmt: skip
        out.append(
            {
                "make_network": make, "objective": loss, "pool": data,
                "val": pool(9 + number, seed=50 + number, loss=loss, size=32), "size": 32,
                "augmentation": Augmentation(), "settings": settings, "seed": 10 + number,
                "identity": {"network": own.to_json(), "weights": str(weights)}, "progress": False,
            }
        )  # fmt: skip
    return out


def planned(folder, those):
    shelf, val_shelf = Shelf(), Shelf()
    return [
        Planned.of(**call, workdir=folder / str(i), shelf=shelf, val_shelf=val_shelf)
        for i, call in enumerate(those)
    ]


def compare(tmp_path, *, bmm=None, **options):
    """The largest difference of a rating between stacked and separate trainings, and of a validation error."""
    those = calls(tmp_path, **options)
    assert (
        train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False, bmm=bmm) == []
    )
    apart, errors = 0.0, 0.0
    for number, call in enumerate(those):
        # finished, as `train` finds: it reads the result back and does no step
        stacked, told = train(**call, workdir=tmp_path / "stack" / str(number))
        alone, history = train(**call, workdir=tmp_path / "alone" / str(number))
        a, b = (
            load_tensors(tmp_path / which / str(number) / "best.safetensors") for which in ("stack", "alone")
        )
        assert a[0].keys() == b[0].keys() and a[1]["training"] == b[1]["training"]
        assert [r.keys() for r in told] == [r.keys() for r in history]
        val = pool(40, seed=7, size=32).pixels
        one, two = (predict(network, val, device=torch.device("cpu")) for network in (stacked, alone))
        apart = max(apart, float((one - two).abs().max()))
        errors = max(
            errors, max(abs(r["val_mse"] - s["val_mse"]) for r, s in zip(told, history, strict=True))
        )
    return apart, errors


CASES = {
    "all of it, batch norm, dropout and drop path": {},
    "norms frozen": {"settings": replace(SETTINGS, norms="frozen")},
    "from stage 2": {"settings": replace(SETTINGS, train_from_stage=2)},
    "views read beforehand": {"settings": replace(SETTINGS, train_from_stage=3), "views": 4},
    "label distribution": {"loss": LabelDistribution(levels=5)},
    "huber, no average, not clipped": {
        "loss": Huber(),
        "settings": replace(SETTINGS, ema_half_life=None, clip=None),
    },
    "the last epoch": {"settings": replace(SETTINGS, select="last")},
    "depths": {
        "settings": replace(SETTINGS, train_from_stage=3, norms="frozen"),
        "spec": replace(
            SPEC, depths=Depths(cells=(0, 1, 4, 1), spread=(0, 1, 1), mirrored=(0, 2), final=True)
        ),
    },
    "matrix products": {"bmm": True},
    "one alone": {"k": 1, "settings": replace(SETTINGS, train_from_stage=2)},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_stacked_training_ends_where_it_ends_alone(tmp_path, case):
    apart, errors = compare(tmp_path, **CASES[case])
    assert apart < 2e-3
    assert errors < 2e-3


def test_another_seed_moves_the_ratings_by_more_than_is_allowed(tmp_path):
    those = calls(tmp_path, k=1)
    val = pool(40, seed=7, size=32).pixels
    ratings = []
    for seed in (10, 11):
        network, _ = train(**{**those[0], "seed": seed}, workdir=tmp_path / str(seed))
        ratings.append(predict(network, val, device=torch.device("cpu")))
    assert float((ratings[0] - ratings[1]).abs().max()) > 2e-2


def test_a_stack_that_was_killed_goes_on_from_its_last_epoch(tmp_path, monkeypatch):
    those = calls(tmp_path, k=2)
    train_stacked(planned(tmp_path / "whole", those), tmp_path / "a", progress=False)

    from judge.jury.network.stacked import loop

    class Killed(Exception):
        pass

    left = [4]  # 3 steps an epoch: the second step of the second epoch

    def rate(step, **told):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return learning_rate(step, **told)

    monkeypatch.setattr(loop, "learning_rate", rate)
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)  # at the end of each epoch
    with pytest.raises(Killed):
        train_stacked(planned(tmp_path / "cut", those), tmp_path / "b", progress=False)
    assert len(list((tmp_path / "b").iterdir())) == 1
    left[0] = 6  # the two epochs that are left, and no step more
    train_stacked(planned(tmp_path / "cut", those), tmp_path / "b", progress=False)
    assert left[0] == 0 and not list((tmp_path / "b").iterdir())
    for number in ("0", "1"):
        one, two = (load_tensors(tmp_path / w / number / "best.safetensors") for w in ("whole", "cut"))
        assert all(torch.equal(one[0][name], two[0][name]) for name in one[0])
        assert one[1]["history"] == two[1]["history"] and two[1]["done"]


def test_what_mixes_channels_is_refused_by_name_before_any_work(tmp_path):
    for backbone, word in (
        ("test_vit", "VisionTransformer"),
        ("test_resnet", "ResNet"),
        ("test_convnext", "ConvNeXt"),
    ):
        those = calls(tmp_path / backbone, k=2, spec=NetworkSpec(backbone, 160 if "vit" in backbone else 32))
        with pytest.raises(InputError, match=word):
            train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False)
    assert not (tmp_path / "stack").exists() and not (tmp_path / "state").exists()


def test_frozen_stages_that_differ_are_refused(tmp_path):
    those = calls(tmp_path, k=2, weights="none", settings=replace(SETTINGS, train_from_stage=2))
    with pytest.raises(InputError, match=r"conv_stem\.weight differ"):
        train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False)


def test_objectives_of_several_pictures_and_several_devices_are_refused():
    class Own(SquaredError):
        pass

    assert "Own" in refusal(Own(), SETTINGS)
    assert "devices=2" in refusal(SquaredError(), replace(SETTINGS, devices=2))
    assert refusal(Huber(), SETTINGS) is None


def test_a_result_of_another_training_is_not_written_over(tmp_path):
    those = calls(tmp_path, k=2, settings=replace(SETTINGS, epochs=1))
    train(**{**those[1], "seed": 5}, workdir=tmp_path / "stack" / "1")
    with pytest.raises(InputError, match="seed is 5, here 11"):
        train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False)


def test_only_equal_settings_and_sizes_go_together(tmp_path):
    those = [*calls(tmp_path, k=3), *calls(tmp_path, k=2, n=21)]
    stacks = together(planned(tmp_path / "stack", those), 2)
    assert [[one.workdir.name for one in stack] for stack in stacks] == [["0", "1"], ["2"], ["3", "4"]]
    with pytest.raises(InputError, match="cannot be stacked"):
        train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False)


def test_a_shelf_keeps_a_picture_once():
    shelf = Shelf()
    a, b = pool(4, seed=0).pixels, pool(4, seed=1).pixels
    assert shelf.add(torch.cat([a, a[:1]])).tolist() == [0, 1, 2, 3, 0]
    assert shelf.add(torch.cat([b[:1], a[2:]])).tolist() == [4, 2, 3]
    assert len(shelf) == 5 and torch.equal(shelf.pixels[4], b[0])


def test_a_network_whose_loss_is_not_finite_is_left_out_and_spoils_no_other(tmp_path):
    those = calls(tmp_path, k=2, settings=replace(SETTINGS, epochs=1))
    those[1]["pool"].rating[0] = float("inf")
    assert train_stacked(planned(tmp_path / "stack", those), tmp_path / "state", progress=False) == [1]
    assert not (tmp_path / "stack" / "1").exists()
    val = pool(40, seed=7, size=32).pixels
    one, two = (
        predict(train(**those[0], workdir=tmp_path / which / "0")[0], val, device=torch.device("cpu"))
        for which in ("stack", "alone")
    )
    assert float((one - two).abs().max()) < 2e-3
