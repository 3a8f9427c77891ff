import numpy as np
import pytest
import torch

from judge.errors import InputError
from judge.jury.network.backbone import RatingNetwork, create_backbone
from judge.jury.network.depths import Depths, _grid, _parts
from judge.jury.ridge import ridge


def network(depths, **options):
    backbone = create_backbone("test_efficientnet", "none", size=32)
    return RatingNetwork(backbone, depths=depths, **options).eval()


def test_cells_are_averages_of_equal_areas():
    x = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 6, 6)
    np.testing.assert_allclose(_grid(x, 2)[0, 0], [[1, 4], [1, 4]])  # means of 0 1 2 and of 3 4 5
    # four cells of one and a half columns each: (0 + .5 · 1) / 1.5, (.5 · 1 + 2) / 1.5 …
    np.testing.assert_allclose(_grid(x, 4)[0, 0, 0], [0.5 / 1.5, 2.5 / 1.5, 5 / 1.5, 7 / 1.5], rtol=1e-6)
    np.testing.assert_allclose(_grid(x, 1).flatten(), [2.5])
    np.testing.assert_allclose(_parts(7, 4).sum(1), 1, rtol=1e-6)


def test_what_is_read_is_as_wide_as_said():
    backbone = create_backbone("test_efficientnet", "none", size=32)
    for depths in (
        Depths([1, 0, 2], [0, 2], [0, 2]),
        Depths([], [], [], final=True),
        Depths([0, 1], [], [], final=True),
    ):
        read = depths.read(backbone.eval(), torch.randn(3, 3, 32, 32))
        assert read.shape == (3, depths.width(backbone))


def test_a_picture_and_its_mirror_image_differ_by_nothing_where_they_are_the_same():
    only = Depths(cells=[], spread=[], mirrored=[2])
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(only.pool([x + x.flip(3)]), torch.zeros(1, 3 * 2))
    assert (only.pool([x]) > 0.1).all()
    assert torch.equal(only.pool([x]), only.pool([x.flip(3)]))


def test_a_constant_picture_has_no_spread():
    only = Depths(cells=[], spread=[1], mirrored=[])
    np.testing.assert_allclose(only.pool([torch.full((1, 2, 4, 4), 7.0)]), 0.01, rtol=1e-3)
    wave = torch.tensor([3.0, -3.0]).repeat(8).view(1, 1, 4, 4)
    np.testing.assert_allclose(only.pool([wave]), 3, rtol=1e-3)
    two = Depths(cells=[], spread=[2], mirrored=[])
    wave[..., :2] *= 2  # the left half varies twice as much, about the same mean
    np.testing.assert_allclose(two.pool([wave]), [[6, 3, 6, 3]], rtol=1e-3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"cells": [-1]}, r"cells=\[-1\]"),
        ({"mirrored": [3]}, r"mirrored=\[3\].*even"),
        ({"cells": [], "spread": [], "mirrored": [0]}, "nothing is read"),
    ],
)
def test_wrong_settings_are_named(wrong, says):
    with pytest.raises(InputError, match=says):
        Depths(**wrong)


def test_a_stage_that_the_backbone_has_not_is_refused():
    with pytest.raises(InputError, match="stage 9 is asked for, the backbone has 0 to"):
        network(Depths(cells=[0] * 9 + [1]))


@pytest.mark.parametrize("levels", [None, torch.linspace(-30, 40, 281)])
def test_a_started_head_predicts_what_the_regression_predicts(levels):
    net = network(Depths([0, 1, 2], [1], [0, 2]), levels=levels, centre=4.0, spread=2.0)
    pixels = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8)
    rating = pixels.float().mean((1, 2, 3)) / 10 - 8
    with torch.no_grad():
        features = net(pixels).features.numpy()
        fit = ridge(features, rating.numpy(), np.ones(40))
        expected = (features - fit.mean) / fit.scale @ fit.weight + fit.bias
        from judge.jury.network.backbone import HeadStart

        mean, scale, weight = (torch.from_numpy(part).float() for part in fit[:3])
        net.start_head(HeadStart(mean, scale, weight, fit.bias, 1.5))
        read = net(pixels)
        np.testing.assert_allclose(read.rating, expected, atol=2e-3)
        if levels is not None:  # a Gaussian of the spread that was given
            p = read.logits.softmax(1)
            sd = ((p @ levels.square()) - (p @ levels).square()).sqrt()
            np.testing.assert_allclose(sd, 1.5, rtol=1e-2)


def test_layers_that_nobody_reads_are_not_there():
    names = {
        name.partition(".")[0] for name, _ in network(Depths([0, 1], [], [])).backbone.named_parameters()
    }
    assert "conv_head" not in names
    with_final = network(Depths([0, 1], [], [], final=True)).backbone
    assert any(name.startswith("conv_head") for name, _ in with_final.named_parameters())


# 3: stage 1 ends with the last frozen block, so it is what views keep
@pytest.mark.parametrize("cut", [2, 3])
def test_activations_of_the_frozen_stages_give_the_same_reading_as_the_picture(cut):
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    net = network(Depths([0, 1, 2, 1], [0, 1, 1], [0, 2, 2]))
    with torch.no_grad():
        straight = net(pixels).rating
        net.from_stage(cut)
        halfway = net.stages_before(cut)((pixels.float() - net.mean) / net.std)
        np.testing.assert_allclose(net(halfway).rating, straight, atol=1e-5)


def test_views_cannot_be_cut_behind_a_stage_that_is_read():
    net = network(Depths([1, 0, 1], [], []))
    with pytest.raises(InputError, match="reads stage 0, which ends before"):
        net.from_stage(3)


def test_frozen_norms_keep_their_statistics_in_training():
    net = network(Depths([0, 1, 1], [], []))
    net.freeze_norms()
    norm = next(m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    before = norm.running_mean.clone()
    net.train()(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)).rating.sum().backward()
    assert torch.equal(norm.running_mean, before)
    assert norm.weight.grad is not None  # scale and offset still learn
