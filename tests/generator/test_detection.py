"""Detectors: planted traces are found, nothing is found where nothing is, groups and encodings are kept apart."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import betabinom

from judge.errors import InputError
from judge.generator.conditions import Conditions
from judge.generator.detection import (
    DETECTORS,
    PERTURBATIONS,
    CnnDetector,
    Encoding,
    SpectrumDetector,
    TrialSettings,
    load_detector,
    try_detectors,
)
from judge.generator.detection.encoding import quality_of_files
from judge.generator.detection.people import one_picture_each, parts_of
from judge.generator.detection.rates import auc, equal_rates, rates_by_group, threshold_of
from judge.generator.detection.spectrum import spectra

SIZE = 32
PLAIN = Encoding(SIZE)


def blobs(n: int, seed: int, size: int = SIZE) -> torch.Tensor:
    """Smooth coloured pictures with a little noise: uint8 (n, 3, size, size)."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 5, 5, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    return (
        ((smooth + 0.02 * torch.randn(n, 3, size, size, generator=rng)) * 255).clamp(0, 255).to(torch.uint8)
    )


def with_checkerboard(pictures: torch.Tensor, amount: int = 6) -> torch.Tensor:
    side = torch.arange(pictures.shape[-1])
    board = ((side[:, None] + side[None]) % 2 * 2 - 1) * amount
    return (pictures.int() + board).clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module")
def pictures():
    real, fake, new_real, new_fake = (blobs(120, seed) for seed in range(4))
    return real, with_checkerboard(fake), new_real, with_checkerboard(new_fake)


@pytest.mark.parametrize("name", DETECTORS)
def test_each_detector_finds_a_checkerboard_and_says_the_same_from_its_file(name, pictures, tmp_path):
    real, fake, new_real, new_fake = pictures
    detector = DETECTORS[name](**({"pictures": 4000} if name == "small_cnn" else {})).fit(real, fake, 0)
    assert auc(detector.score(new_real), detector.score(new_fake))[1] > 0.9
    again = load_detector(detector.save(tmp_path / "d.safetensors"))
    np.testing.assert_allclose(again.score(new_real[:8]), detector.score(new_real[:8]), rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="learnt from 32 px"):
        again.score(blobs(2, 0, size=48))


def test_the_same_seed_learns_the_same_network(pictures):
    real, fake, new_real, _ = pictures
    one, same, other = (CnnDetector(pictures=128).fit(real[:64], fake[:64], seed) for seed in (1, 1, 2))
    assert (one.score(new_real) == same.score(new_real)).all()
    assert (one.score(new_real) != other.score(new_real)).any()


def test_a_spectrum_puts_a_wave_at_its_own_frequency():
    wave = 127 + 100 * torch.cos(2 * torch.pi * 5 * torch.arange(SIZE) / SIZE)
    picture = wave.round().to(torch.uint8).expand(1, 3, SIZE, SIZE).contiguous()
    luminance = spectra(picture)[0].reshape(3, -1)[0]
    assert luminance.argmax() == 5
    assert with_checkerboard(picture).shape == picture.shape
    assert spectra(with_checkerboard(picture))[0].reshape(3, -1)[0].argmax() in (5, 23)
    assert spectra(with_checkerboard(picture))[0].reshape(3, -1)[0][23] > luminance[23] + 2  # √2 · 16 = 22.6


def people_of(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"ethnicity": np.resize(["african", "asian"], n), "gender": np.resize(list("ffmm"), n)}
    )


def test_nothing_is_found_where_there_is_nothing():
    """600 pictures against 600 of the same kind: the interval of AUC holds ½, false alarms are about as asked."""
    n = 600
    trial = try_detectors(
        PLAIN(blobs(n, 10)), {"same": PLAIN(blobs(n, 11))}, people_of(n),
        detectors={"spectrum": SpectrumDetector}, features=["ethnicity", "gender"], seed=0,
        settings=TrialSettings(fprs=(0.1,), perturbations=("none",), n_permutations=999),
    )  # fmt: skip
    whole = trial.separation.query("feature == 'all'").iloc[0]
    assert whole["ci_low"] < 0.5 < whole["ci_high"]
    assert whole["n_real"] == whole["n_generated"] == 210
    alarms = trial.rates.query("feature == 'all' and people == 'real'").iloc[0]
    # 15 of 150 people lie at or above the threshold, so of 210 others as many as a beta-binomial says
    low, high = betabinom(210, 15, 136).interval(0.99)
    assert low <= alarms["flagged"] <= high
    assert (trial.equal_rates.query("people == 'real'")["p_holm"] > 0.01).all()
    assert set(trial.equal_rates["feature"]) == {"ethnicity", "gender"}


def test_false_alarms_of_one_group_are_found_at_the_shared_threshold():
    """Every generated picture has the trace, and so has a third of one group's photographs."""
    n = 500
    people = people_of(n)
    real = blobs(n, 20)
    marked = (people["ethnicity"] == "african") & (np.arange(n) % 3 == 0)
    real[torch.tensor(marked.tolist())] = with_checkerboard(real[torch.tensor(marked.tolist())], 3)
    trial = try_detectors(
        PLAIN(real), {"made": PLAIN(with_checkerboard(blobs(n, 21), 3))}, people,
        detectors={"spectrum": SpectrumDetector}, features=["ethnicity", "gender"], seed=3,
        settings=TrialSettings(fprs=(0.1,), perturbations=("none", "blur 1 px"), n_permutations=999),
    )  # fmt: skip
    by = trial.equal_rates.query("people == 'real' and perturbation == 'none'").set_index("feature")
    assert by.loc["ethnicity", "highest"] == "african"
    assert by.loc["ethnicity", "p_holm"] < 0.01 < by.loc["gender", "p_holm"]
    rates = trial.rates.query("people == 'real' and perturbation == 'none'").set_index("group")
    assert rates.loc["african", "ci_low"] > rates.loc["asian", "ci_high"]
    # a blur takes the trace away, at the same threshold
    found = trial.rates.query("people == 'generated' and feature == 'all'").set_index("perturbation")["rate"]
    assert found["none"] > 0.6 > found["blur 1 px"] + 0.3
    assert trial.rates["threshold"].nunique() == 1


def test_a_detector_of_one_generator_is_tried_on_another():
    n = 200
    made = {"board": PLAIN(with_checkerboard(blobs(n, 31))), "clean": PLAIN(blobs(n, 32))}
    trial = try_detectors(
        PLAIN(blobs(n, 30)), made, people_of(n), detectors={"spectrum": SpectrumDetector}, features=[], seed=0,
        trained_on=["board"],
        settings=TrialSettings(fprs=(0.1,), perturbations=("none", "JPEG 50")),
    )  # fmt: skip
    by = trial.separation.set_index(["tested_on", "perturbation"])["auc"]
    assert by["board", "none"] > 0.95 > 0.7 > by["clean", "none"]
    assert ("clean", "JPEG 50") not in by.index and ("board", "JPEG 50") in by.index
    assert set(trial.detectors) == {("spectrum", "board")}


def test_pictures_of_two_encodings_are_refused(tmp_path):
    real, fake = blobs(60, 40), blobs(60, 41)
    call = {"detectors": {"spectrum": SpectrumDetector}, "features": [], "seed": 0}
    with pytest.raises(InputError, match=r"JPEG 80.*it would be detected"):
        try_detectors(Encoding(SIZE, 80)(real), {"g": PLAIN(fake)}, people_of(60), **call)
    with pytest.raises(InputError, match="both kinds go through one Encoding"):
        try_detectors(real, {"g": fake}, people_of(60), **call)
    with pytest.raises(InputError, match="same square size"):
        SpectrumDetector().fit(real, blobs(60, 0, size=48), 0)


def test_the_file_format_is_not_what_is_learnt(tmp_path):
    """The same kind of pictures, one half from JPEG files: found at once as they are, not after the same encoding."""
    n, quality = 200, 60
    paths = []
    for i, picture in enumerate(blobs(n, 50)):
        paths.append(tmp_path / f"{i}.jpg")
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(paths[-1], quality=quality, subsampling=0)
    real = torch.stack([torch.from_numpy(np.array(Image.open(p))).permute(2, 0, 1) for p in paths])
    fake = blobs(n, 51)
    assert quality_of_files(paths) == quality
    found = {}
    for name, encoding in {"as they are": PLAIN, "same": Encoding(SIZE, quality_of_files(paths))}.items():
        a, b = encoding(real).pictures, encoding(fake).pictures
        detector = SpectrumDetector().fit(a[:120], b[:120], 0)
        found[name] = auc(detector.score(a[120:]), detector.score(b[120:]))
    assert found["as they are"][1] > 0.9
    assert found["same"][1] < 0.5 < found["same"][2]


def test_png_files_have_no_quality(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert quality_of_files([tmp_path / "a.png", tmp_path / "gone.png"]) is None


def test_perturbations_change_pictures_a_little_and_keep_their_shape():
    x = blobs(4, 60)
    for name, change in PERTURBATIONS.items():
        y = change(x)
        assert y.shape == x.shape and y.dtype == torch.uint8
        assert (name == "none") == bool((y == x).all())
        assert (y.float() - x.float()).abs().mean() < 12, name
    flat = torch.full((1, 3, SIZE, SIZE), 77, dtype=torch.uint8)
    assert (PERTURBATIONS["blur 1 px"](flat) == 77).all()


def test_threshold_counted_by_hand():
    scores = np.arange(1.0, 20.0)  # 19 people: ⌊.1 · 20⌋ = 2, so two of 20 exchangeable ones may lie above
    assert threshold_of(scores, 0.1) == 18.0
    assert threshold_of(scores, 0.05) == 19.0
    with pytest.raises(InputError, match="at least 99 real people"):
        threshold_of(scores, 0.01)


def test_rates_counted_by_hand():
    people = pd.DataFrame({"g": ["a", "a", "b", None]})
    table = rates_by_group(np.array([True, False, False, True]), people, ["g"]).set_index("group")
    assert table["n"].to_dict() == {"all": 4, "(missing)": 1, "a": 2, "b": 1}
    assert table["flagged"].to_dict() == {"all": 2, "(missing)": 1, "a": 1, "b": 0}
    assert table.loc["a", "ci_low"] == pytest.approx(1 - np.sqrt(0.975))
    test = equal_rates(np.array([True, True, False, False]), people, ["g"], n_permutations=99)
    assert (test.loc[0, "highest"], test.loc[0, "n"], test.loc[0, "difference"]) == ("a", 3, 1.0)
    assert auc(np.array([0.0, 1.0]), np.array([1.0, 2.0]))[0] == 0.875  # 3 wins and a tie of 4 pairs


def test_each_person_once_and_in_one_part():
    manifest = pd.DataFrame(
        {"image_id": list("abcdef"), "person_id": [1, 1, 2, 3, 4, 5], "gender": list("ffmfmx")}
    )
    knows = Conditions({"gender": ("f", "m")}, {}, ((("f",), 1), (("m",), 1)), {})
    kept, left = one_picture_each(manifest, 3, seed=0, conditions=[knows])
    assert len(kept) == 3 and kept["person_id"].is_unique and "x" not in set(kept["gender"])
    assert left["count"].sum() == 3 and len(left) == 3
    parts = parts_of(100, (0.4, 0.25), seed=1)
    assert [len(rows) for rows in parts.values()] == [40, 25, 35]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TrialSettings(fprs=(2,)), "between 0 and 1"),
        (lambda: TrialSettings(shares=(0.9, 0.2)), "together below 1"),
        (lambda: TrialSettings(perturbations=("rain",)), "there are .none., .JPEG 90."),
        (lambda: Encoding(8), "16 to 1024 px"),
        (lambda: Encoding(32, 0), "1 to 100"),
        (lambda: CnnDetector(widths=()), "at least one stage"),
        (lambda: SpectrumDetector().score(blobs(1, 0)), "fit it first"),
        (lambda: PLAIN(blobs(1, 0).float()), "uint8"),
    ],
)
def test_clear_errors(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_a_damaged_detector_is_refused(tmp_path, pictures):
    real, fake, *_ = pictures
    path = SpectrumDetector().fit(real, fake, 0).save(tmp_path / "d.safetensors")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        load_detector(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors", metadata={"facts": "{}"})
    with pytest.raises(InputError, match=r"detectors are .lite0_probe"):
        load_detector(tmp_path / "x.safetensors")
