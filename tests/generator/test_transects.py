"""Transects of a generator whose picture is a known function of latent and conditions, read and judged exactly."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from judge.errors import InputError
from judge.generator import Conditions
from judge.generator.transects import (
    ATTRIBUTES,
    Rendering,
    Transect,
    attributes_named,
    compare_effects,
    condition_transect,
    fit_directions,
    latent_transect,
    leakage,
    read_study,
    rendered_transect,
    study_scores,
)
from judge.generator.transects.directions import along, orthogonalised

SIDE, LATENT = 16, 6
NAMES = ("ita", "smile", "hair_melanin")
COLUMNS = [ATTRIBUTES[n].reading for n in NAMES]
#: change of each attribute's block for each number of the latent: smile shares a number with ita, hair with smile
FROM_LATENT = np.array([[1.0, 0, 0, 0, 0, 0], [0.6, 0.8, 0, 0, 0, 0], [0, 0.6, 0.8, 0, 0, 0]])
#: … and of each block when ita, as it is encoded, is asked one standard deviation higher
FROM_ITA = np.array([1.0, 0.0, -0.5])


class Blocks(nn.Module):
    """A picture of three grey bands: 128 + 20 × (latent and conditions, linear)."""

    def forward(self, z, ita):
        level = (
            z @ torch.from_numpy(FROM_LATENT).float().T + ita[:, None] * torch.from_numpy(FROM_ITA).float()
        )
        return drawn(level)


def drawn(level):
    """(n, 3) causes → pictures: fine steps between two rows of pixels keep what a byte would round away."""
    grey = 128 + 20 * torch.as_tensor(level, dtype=torch.float32)
    bands = grey.repeat_interleave(5, 1)[:, None, :, None].expand(-1, 3, 15, SIDE)
    bands = torch.cat([bands, bands[:, :, :1]], 2)
    dither = (torch.arange(SIDE) + 0.5) / SIDE
    return (bands + dither).floor().clamp(0, 255).to(torch.uint8)


class Planted:
    """What transects need of a FaceGenerator."""

    size = SIDE

    def __init__(self):
        rng = np.random.default_rng(0)
        manifest = pd.DataFrame({"ita": rng.normal(30, 10, 400), "gender": ["female", "male"] * 200})
        self.conditions = Conditions.of(manifest)

    def latents(self, n, seed, *, start=0):
        return torch.randn(n, LATENT, generator=torch.Generator().manual_seed(seed + start))

    def draw(self, people, *, seed=0, psi=1.0, latents=None):
        mean, sd = self.conditions.scales["ita"]
        ita = torch.from_numpy((people["ita"].to_numpy(float) - mean) / sd).float()
        return Blocks()(latents * psi, ita)


def levels(pictures):
    grey = pictures.float().mean((1, 3))
    return (
        (torch.stack([grey[:, 1:5].mean(1), grey[:, 6:10].mean(1), grey[:, 11:15].mean(1)], 1)) - 128
    ) / 20


class ExactReader:
    """Reads the bands; `mixing` says how readings answer to causes, in standard deviations of people."""

    def __init__(self, sd, mixing=None):
        self.sd, self.mixing = np.asarray(sd), np.eye(3) if mixing is None else np.asarray(mixing)

    def read(self, pictures):
        return pd.DataFrame(levels(pictures).numpy() @ self.mixing.T * self.sd, columns=COLUMNS)


class LinearJudge:
    """Score 5 + weights · bands, read from the files that it is given."""

    def __init__(self, weights):
        self.weights, self.cache = np.asarray(weights, float), "kept"

    def score(self, manifest):
        pictures = np.stack([np.asarray(Image.open(p)) for p in manifest["path"]])
        score = 5 + levels(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy() @ self.weights
        return pd.DataFrame({"image_id": manifest["image_id"], "score": score}), pd.DataFrame()


@pytest.fixture(scope="module")
def watched():
    return attributes_named(NAMES, readings=COLUMNS)


@pytest.fixture(scope="module")
def rendering():
    return Rendering(n=4, size=32, seed=7, workers=1)


@pytest.fixture(scope="module")
def sd(watched, rendering):
    return [rendering.scale(a)[1] for a in watched]


@pytest.fixture(scope="module")
def directions(watched, sd):
    return fit_directions(Planted(), watched, ExactReader(sd), n=300)


def exact_transects(n=20):
    """What a renderer gives: one cause at a time, in standard deviations of people, of persons who differ."""
    base = np.random.default_rng(1).normal(size=(n, 1, 3))
    steps, made = np.array([-1.0, 0.0, 1.0]), []
    for k, name in enumerate(NAMES):
        causes = np.repeat(base, 3, 1)
        causes[:, :, k] = steps
        pictures = drawn(causes.reshape(-1, 3)).unflatten(0, (n, 3))
        made.append(
            Transect(name, "renderer", steps, pd.DataFrame(index=range(n)), pictures, causes[:, :, k])
        )
    return made


def of(table, space, target, attribute):
    row = table.query("space == @space and target == @target and attribute == @attribute")
    assert len(row) == 1
    return row.iloc[0]


def test_planted_directions_are_found(directions):
    assert np.allclose(directions.raw, FROM_LATENT, atol=0.02)
    assert (directions.correlation > 0.99).all()
    # smile's direction (.6, .8) less its part in the span of ita's (1, 0, 0) and hair's (0, .6, .8): .8 · .8 is left
    assert directions.kept[1] == pytest.approx(0.64, abs=0.02)
    assert directions.table()["cosine_smile"].tolist() == pytest.approx([0.6, 1, 0.48], abs=0.02)


def test_support_vector_machine_finds_about_the_same(watched, sd):
    found = fit_directions(Planted(), watched, ExactReader(sd), n=300, method="svm")
    assert (np.sum(found.raw * FROM_LATENT, 1) > 0.9).all()


def test_raw_leaks_as_planted_and_orthogonal_does_not(watched, sd, rendering, directions):
    generator, by_name = Planted(), dict(zip(NAMES, watched, strict=True))
    transects = [
        latent_transect(generator, by_name["smile"], directions, orthogonal=o, n=40) for o in (False, True)
    ]
    transects.append(condition_transect(generator, by_name["ita"], n=40))
    study = read_study(transects, exact_transects(), watched, ExactReader(sd), rendering)
    table = leakage(study, n_resamples=200)
    # along (.6, .8): smile moves 1, ita .6, hair .6 · .8
    assert of(table, "latent", "smile", "smile")["leakage"] == pytest.approx(1)
    assert of(table, "latent", "smile", "ita")["leakage"] == pytest.approx(0.6, abs=0.03)
    assert of(table, "latent", "smile", "hair_melanin")["leakage"] == pytest.approx(0.48, abs=0.03)
    for other in ("ita", "hair_melanin"):
        assert of(table, "orthogonal latent", "smile", other)["leakage"] == pytest.approx(0, abs=0.04)
    assert of(table, "condition", "ita", "hair_melanin")["leakage"] == pytest.approx(-0.5, abs=0.02)
    assert of(table, "condition", "ita", "smile")["leakage"] == pytest.approx(0, abs=0.02)
    own = table.query("target != attribute")["own"]
    assert np.allclose(own, 0, atol=0.01)
    assert not of(table, "condition", "ita", "smile")["excess_low"] > 0.02


def test_what_the_regressor_mixes_up_is_taken_out(watched, sd, rendering):
    """A regressor that takes half of every change of ita for hair: own leakage .5, and −.5 of a transect reads 0."""
    mixing = [[1, 0, 0], [0, 1, 0], [0.5, 0, 0.8]]
    transect = condition_transect(Planted(), watched[0], n=20)
    study = read_study([transect], exact_transects(), watched, ExactReader(sd, mixing), rendering)
    row = of(leakage(study, n_resamples=100), "condition", "ita", "hair_melanin")
    assert row["own"] == pytest.approx(0.5, abs=0.01)
    assert row["leakage"] == pytest.approx(0.5 - 0.8 * 0.5, abs=0.02)
    assert row["unmixed"] == pytest.approx(-0.5, abs=0.03)
    assert row["excess"] == pytest.approx(-0.4, abs=0.03)


def test_a_study_is_wrong_by_its_leak_times_the_judge_s_weight(watched, sd, rendering, directions):
    """Judges like ita by 0 and hair by w: asking for ita moves hair by −.5, so that such a study finds −.5 w."""
    generator = Planted()
    transects = [
        condition_transect(generator, watched[0], n=20),
        latent_transect(generator, watched[1], directions, n=20),
    ]
    study = read_study(transects, exact_transects(), watched, ExactReader(sd), rendering)
    judges = {f"seed {k}": LinearJudge([0, 0.3, w]) for k, w in enumerate((0.8, 1.0, 1.2))}
    each, over = compare_effects(study, study_scores(study, judges), n_resamples=100)
    assert all(judge.cache == "kept" for judge in judges.values())
    ita = each[each["target"] == "ita"]
    assert np.allclose(ita["exact"], 0, atol=0.01)
    assert np.allclose(ita["effect"], [-0.4, -0.5, -0.6], atol=0.02)
    assert np.allclose(ita["explained"], ita["bias"], atol=0.02)
    mean = over.set_index("target").loc["ita"]
    assert mean["bias"] == pytest.approx(-0.5, abs=0.02)
    # Student's t of three judges: .5 ± 4.303 · .1 / √3
    assert mean["ci_low"] == pytest.approx(-0.5 - 0.248, abs=0.03)
    assert mean["p_value"] == 0.25
    assert mean["judges"] == 3
    smile = over.set_index("target").loc["smile"]
    assert (smile["exact"], smile["effect"]) == pytest.approx((0.3, 0.3), abs=0.04)
    assert smile["wrong_sign"] == 0


def test_a_transect_that_does_not_move_its_attribute_is_said_so(watched, sd, rendering):
    pictures = drawn(np.random.default_rng(2).normal(size=(30, 3)))[:, None].expand(-1, 2, -1, -1, -1)
    still = Transect("smile", "latent", np.array([0.0, 1.0]), pd.DataFrame(index=range(30)), pictures)
    study = read_study([still], exact_transects(), watched, ExactReader(sd), rendering)
    table = leakage(study, n_resamples=50).query("space == 'latent'")
    assert not table["moves"].any()
    assert table["leakage"].isna().all()
    each, over = compare_effects(study, study_scores(study, {"one": LinearJudge([0, 1, 0])}), n_resamples=50)
    assert each["exact"].iloc[0] == pytest.approx(1, abs=0.02)
    assert np.isnan(each["effect"].iloc[0])
    assert np.isnan(over["ci_low"].iloc[0])


def test_a_group_is_asked_for_against_the_others():
    asked = []

    class Asked(Planted):
        def draw(self, people, **options):
            asked.append(people["gender"].tolist())
            return super().draw(people, **options)

    transect = condition_transect(Asked(), ATTRIBUTES["gender"], n=6)
    assert transect.pictures.shape == (6, 2, 3, SIDE, SIDE)
    assert asked == [["female"] * 6, ["male"] * 6]


def test_slopes_are_those_of_least_squares():
    transect = Transect(
        "age", "latent", np.array([-1.0, 0.0, 2.0]), pd.DataFrame(index=range(2)), torch.zeros(2, 3, 3, 4, 4)
    )
    values = np.array([1.0, 2.0, 4.0, 5.0, 5.0, 5.0])
    assert transect.slopes(values) == pytest.approx([1, 0])


def test_a_latent_keeps_all_but_the_direction():
    z = torch.tensor([[3.0, 4.0], [1.0, 1.0]])
    assert along(z, np.array([0.0, 1.0]), -2.0).tolist() == [[3, -2], [1, -2]]


def test_what_cannot_be_done_is_refused(watched, sd, directions):
    with pytest.raises(InputError, match=r"'beauty' is none; allowed are 'ita'"):
        attributes_named(["ita", "beauty"])
    with pytest.raises(InputError, match=r"'age' cannot be read"):
        attributes_named(["age"], readings=COLUMNS)
    with pytest.raises(InputError, match="at least one"):
        attributes_named([])
    with pytest.raises(InputError, match=r"smile: the generator cannot be asked .* taught 'gender', 'ita'"):
        condition_transect(Planted(), ATTRIBUTES["smile"])
    with pytest.raises(InputError, match="there is none of 'age'"):
        latent_transect(Planted(), ATTRIBUTES["age"], directions)
    with pytest.raises(InputError, match="16 at least"):
        fit_directions(Planted(), watched, ExactReader(sd), n=15)
    with pytest.raises(InputError, match="steps"):
        condition_transect(Planted(), watched[0], steps=[1, 0])
    with pytest.raises(InputError, match="mixture"):
        orthogonalised(np.array([[1.0, 0], [0, 1.0], [0.6, 0.8]]), ["a", "b", "c"])
    with pytest.raises(InputError, match="rating: the renderer cannot"):
        rendered_transect(ATTRIBUTES["rating"], Rendering(n=2, size=32))


@pytest.mark.parametrize("name", [n for n, a in ATTRIBUTES.items() if a.rendered])
def test_the_renderer_s_change_reaches_its_level_and_touches_nothing_else(name, rendering):
    """All columns but those that the attribute is made of stay; the exact value is the one that was wanted."""
    from judge.data.parametric.people.population import RENDERED
    from judge.generator.transects.attributes import Origin

    attribute, people = ATTRIBUTES[name], rendering.people
    low, high = attribute.ends or (attribute.value(rendering._population).min(), 0)
    wanted = np.full(len(people), high if attribute.ends else low)
    changed = attribute.setter(people, wanted, Origin(7, "natural"))
    assert np.allclose(attribute.value(changed), wanted, atol=0.5 if name == "ita" else 0.01)
    may = {
        "ita": {"melanin"},
        "age": {"age", "wrinkles", "hair_grey"},
        "gender": {"masculinity"},
        "long_hair": {"hair_style"},
    } | {e: {"african", "asian", "caucasian"} for e in ("african", "asian", "caucasian")}
    touched = {c for c in RENDERED if not changed[c].equals(people[c])}
    assert touched <= may.get(name, {name})
    assert name in ("exposure", "freckles", "hair_grey") or touched


def test_age_set_to_what_it_is_changes_nothing(rendering):
    from judge.generator.transects.attributes import Origin

    people = rendering.people
    same = ATTRIBUTES["age"].setter(people, people["age"].to_numpy(float), Origin(7, "natural"))
    assert np.allclose(
        same[["wrinkles", "hair_grey"]].astype(float), people[["wrinkles", "hair_grey"]].astype(float)
    )


@pytest.mark.slow
def test_rendered_persons_darken_and_keep_their_background(tmp_path):
    rendering = Rendering(n=2, size=32, seed=7, workers=1, cache_dir=tmp_path)
    transect = rendered_transect(ATTRIBUTES["ita"], rendering, steps=(-1.0, 1.0))
    assert transect.pictures.shape == (2, 2, 3, 32, 32)
    assert np.allclose(transect.values, [[-1, 1], [-1, 1]], atol=0.02)
    middle = transect.pictures[..., 12:24, 10:22].float().mean((2, 3, 4))
    assert (middle[:, 0] < middle[:, 1] - 20).all()
    corner = transect.pictures[..., :2, :2]
    assert torch.equal(corner[:, 0], corner[:, 1])
