import json

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rated_squares import rated_squares

from judge.errors import InputError
from judge.experiment.api import composed
from judge.jury.beauty import CnnJudge
from judge.jury.loading import load_judge
from judge.jury.network.engine import Scoring
from judge.jury.network.losses import Huber, LabelDistribution, SquaredError
from judge.jury.network.training import Training

pytestmark = pytest.mark.slow

RANGE = (1, 9)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return rated_squares(tmp_path_factory.mktemp("squares"), n=60)


def small(loss=None, epochs=10, **options):
    return CnnJudge(
        backbone="test_efficientnet",
        weights="none",
        size=32,
        dropout=0.0,
        loss=loss or LabelDistribution(levels=9),
        training=Training(epochs=epochs, batch=8, lr=3e-3, layer_decay=1.0, accelerator="cpu"),
        progress=False,
        **options,
    )


@pytest.mark.parametrize(
    "loss", [SquaredError(), Huber(), LabelDistribution(levels=9)], ids=lambda loss: loss.name
)
def test_each_loss_learns_brightness(manifest, tmp_path, loss):
    from judge.jury.network.augmentation import Augmentation

    still = Augmentation(brightness=0.0, contrast=0.0)
    judge = small(loss, augmentation=still).fit(manifest[:44], manifest[44:], rating_range=RANGE, seed=0)
    scores, _ = judge.score(manifest[44:])
    assert np.corrcoef(scores["score"], manifest["rating"][44:])[0, 1] > 0.8
    assert len(judge.history) == 10


@pytest.fixture(scope="module")
def fitted(manifest):
    return small(epochs=2).fit(manifest[:30], manifest[30:40], rating_range=RANGE, seed=0)


def test_a_saved_judge_gives_the_same_scores_to_the_bit(fitted, manifest, tmp_path):
    fitted.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["judge.json", "model.safetensors"]
    read = load_judge(tmp_path)
    pd.testing.assert_frame_equal(fitted.score(manifest)[0], read.score(manifest)[0], check_exact=True)
    facts = json.loads((tmp_path / "judge.json").read_text())
    assert facts["rating_range"] == [1, 9]
    assert facts["normalisation"]["mean"] == list(fitted.network.backbone.pretrained_cfg["mean"])
    assert facts["n_train"] == 30
    assert read.loss == fitted.loss
    assert read.spec == fitted.spec
    assert facts["objective"]["type"] == "judge.jury.network.losses:LabelDistribution"


def test_the_same_seed_gives_the_same_scores_and_another_does_not(fitted, manifest):
    again, other = (
        small(epochs=2).fit(manifest[:30], manifest[30:40], rating_range=RANGE, seed=seed) for seed in (0, 1)
    )
    scores = [judge.score(manifest)[0]["score"] for judge in (fitted, again, other)]
    assert scores[0].equals(scores[1])
    assert not scores[0].equals(scores[2])


def test_a_picture_of_weight_zero_is_as_good_as_absent_for_mean_and_spread(manifest):
    weighted = manifest[:30].assign(weight=[1.0] * 15 + [0.0] * 15)
    judge = small(epochs=1)
    judge.fit(weighted, rating_range=RANGE, seed=0)
    first = manifest["rating"][:15]
    assert judge.facts["centre"] == pytest.approx(first.mean(), rel=1e-5)
    assert judge.facts["spread"] == pytest.approx(first.std(ddof=0), rel=1e-5)


def test_what_could_not_be_used_in_training_is_counted_by_reason(manifest, tmp_path):
    table = manifest[:20].copy()
    table.loc[0, "rating"] = np.nan
    table.loc[1, "path"] = str(tmp_path / "missing.png")
    judge = small(epochs=1)
    judge.fit(table, rating_range=RANGE, seed=0)
    assert judge.excluded[["item", "reason"]].values.tolist() == [
        ["p0", "no rating"],
        ["p1", "broken picture"],
    ]
    assert judge.facts["n_train"] == 18


def test_ratings_out_of_range_or_none_at_all_are_refused(manifest):
    with pytest.raises(InputError, match=r"outside rating_range=1…5"):
        small().fit(manifest, rating_range=(1, 5), seed=0)
    with pytest.raises(InputError, match="none of the 60"):
        small().fit(manifest.assign(rating=np.nan), rating_range=RANGE, seed=0)
    with pytest.raises(InputError, match="not trained"):
        small().score(manifest)


@pytest.mark.parametrize("name", ["cnn", "cnn_depths", "embedding", "embedding_depths"])
def test_a_judge_from_the_configuration_can_be_saved_and_read(name, manifest, tmp_path):
    settings = composed([f"judge={name}"]).judge
    OmegaConf.set_struct(settings, False)
    place = "embedding." if name.startswith("embedding") else ""
    OmegaConf.update(settings, f"{place}weights", "none")
    OmegaConf.update(settings, f"{place}size", 32)
    OmegaConf.update(settings, "cache", str(tmp_path / "cache"), force_add=True)
    if not place:
        OmegaConf.update(settings, "training.epochs", 1)
    judge = instantiate(settings)
    judge.progress = False
    judge.fit(manifest[:12], None, rating_range=RANGE, seed=0).save(tmp_path / "judge")
    read = load_judge(tmp_path / "judge")
    pd.testing.assert_frame_equal(judge.score(manifest)[0], read.score(manifest)[0], check_exact=True)


@pytest.mark.parametrize("loss", [SquaredError(), LabelDistribution(levels=41)], ids=lambda loss: loss.name)
def test_a_probed_head_starts_as_the_ridge_on_frozen_features(manifest, loss):

    from judge.jury.network.augmentation import Augmentation
    from judge.jury.network.depths import Depths
    from judge.jury.network.pictures import load_pictures
    from judge.jury.network.ridge import clean_features
    from judge.jury.ridge import ridge

    still = Augmentation(**dict.fromkeys(("flip", "rotation", "scale", "shift", "brightness", "contrast",
                                          "saturation", "grey"), 0.0))  # fmt: skip
    judge = small(loss, depths=Depths([0, 2], [1], [2]), probe=True, margin=1.0, augmentation=still,
                  scoring=Scoring(mirror=True))  # fmt: skip
    judge.training = Training(
        epochs=1, batch=8, lr=1e-12, norms="frozen", ema_half_life=None, accelerator="cpu"
    )
    copies = pd.concat([manifest[:44], manifest[:5]], ignore_index=True)  # a repeated picture counts twice
    scores, _ = judge.fit(copies, None, rating_range=RANGE, seed=0).score(manifest[44:])
    network = judge.network
    pixels, _, _ = load_pictures(manifest, 32)
    features = clean_features(network, pixels, 32, progress=False)
    raw = features * network.standard[1].numpy() + network.standard[0].numpy()
    weight = np.where(np.arange(44) < 5, 2.0, 1.0)
    fit = ridge(raw[:44], manifest["rating"][:44].to_numpy(), weight)
    expected = (raw - fit.mean) / fit.scale @ fit.weight + fit.bias
    # the expectation of a Gaussian that the ends of the scale cut is drawn inwards
    assert np.corrcoef(scores["score"], expected[44:])[0, 1] > 0.995
    if loss.name == "l2":
        np.testing.assert_allclose(judge.score(manifest[:44])[0]["score"], expected[:44], atol=2e-3)


def test_only_the_middle_of_a_picture_is_read_where_that_is_asked(tmp_path):
    table = rated_squares(tmp_path, n=30)
    framed = table.assign(path=[framed_in_noise(path, i) for i, path in enumerate(table["path"])])
    options = {"margin": 1.0, "crop": 0.5, "epochs": 3}
    judge = small(SquaredError(), **options).fit(framed[:20], None, rating_range=RANGE, seed=0)
    plain = small(SquaredError(), margin=1.0, epochs=3).fit(table[:20], None, rating_range=RANGE, seed=0)
    np.testing.assert_allclose(judge.score(framed)[0]["score"], plain.score(table)[0]["score"], atol=1e-4)
    with pytest.raises(InputError, match=r"judge\.crop=1\.2"):
        CnnJudge(crop=1.2)


def framed_in_noise(path, seed):
    from pathlib import Path

    from PIL import Image

    middle = np.asarray(Image.open(path))
    size = len(middle)
    picture = np.random.default_rng(seed).integers(0, 256, (2 * size, 2 * size, 3)).astype(np.uint8)
    picture[size // 2 : size // 2 + size, size // 2 : size // 2 + size] = middle
    out = Path(path).with_name(f"framed-{Path(path).name}")
    Image.fromarray(picture).save(out)
    return str(out)
