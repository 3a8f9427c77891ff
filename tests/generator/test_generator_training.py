"""A generator learns two groups of discs, resumes to the same bytes, and refuses files that are none."""

import json
import shutil
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from generated_people import squares

from judge.errors import InputError
from judge.generator import Conditions, FaceGenerator, GeneratorTraining, load_generator, train_generator
from judge.generator import model as drawing
from judge.generator import training as loop
from judge.generator.augmentation import augment
from judge.generator.distance import pixel_distance
from judge.generator.model import FILE, to_bytes, to_floats
from judge.generator.networks import Discriminator, Generator, ProjectedDiscriminator, stages
from judge.storage.tensors import load_tensors, save_tensors

TINY = {
    "size": 16,
    "widths": (16, 12),
    "latent": 8,
    "batch": 10,
    "lr": 5e-4,
    "evaluate_every": 60,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return squares(tmp_path_factory.mktemp("discs"))


def trained(people, folder, **settings):
    return train_generator(
        people,
        GeneratorTraining(**{**TINY, "pictures": 120, **settings}),
        seed=1,
        workdir=folder,
        progress=False,
    )


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 96])
def test_networks_have_the_size_they_are_made_for(size):
    widths = [8] * stages(size)
    pictures = Generator(size, widths, 3, 5)(torch.randn(2, 5), torch.randn(2, 3))
    assert pictures.shape == (2, 3, size, size)
    assert Discriminator(size, widths, 3)(pictures, torch.randn(2, 3)).shape == (2,)


def test_the_frozen_features_of_the_projected_discriminator_stay_frozen():
    network = ProjectedDiscriminator(32, 2).train()
    before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
    pictures = torch.rand(4, 3, 32, 32, requires_grad=True)
    network(pictures, torch.randn(4, 2)).sum().backward()
    assert pictures.grad.abs().sum() > 0  # the generator learns through them
    assert all(p.grad is None for p in network.backbone.parameters())
    assert all(torch.equal(before[k], v) for k, v in network.backbone.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"discriminator": "relativistic", "warm_up": 60}, {"discriminator": "projected"}]
)
def test_a_killed_training_ends_in_the_same_bytes(people, tmp_path, monkeypatch, settings):
    settings = {**settings, "checkpoint_every": 0.0, "augment": 0.5}
    whole = trained(people, tmp_path / "whole", **settings)
    steps = iter(range(100))

    class Killed(Exception):
        pass

    save = loop.save_tensors

    def killing(path, tensors, facts):
        save(path, tensors, facts)
        if path.name == loop.STATE and next(steps) == 8:
            raise Killed

    monkeypatch.setattr(loop, "save_tensors", killing)
    with pytest.raises(Killed):
        trained(people, tmp_path / "killed", **settings)
    assert not (tmp_path / "killed" / FILE).exists()
    monkeypatch.undo()
    again = trained(people, tmp_path / "killed", **settings)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name
    assert (tmp_path / "whole" / FILE).read_bytes() == (tmp_path / "killed" / FILE).read_bytes()
    assert whole.facts["history"] == again.facts["history"]


def test_another_training_in_the_folder_is_refused(people, tmp_path):
    trained(people, tmp_path)
    with pytest.raises(InputError, match=r"generator.lr is 0.0005, here 0.001"):
        trained(people, tmp_path, lr=0.001)
    with pytest.raises(InputError, match=r"pictures.training"):
        trained(people.head(50), tmp_path)


@pytest.mark.slow
def test_asked_groups_are_shown(people, tmp_path):
    """After a short training the red channel of `dark` people is the brighter one, and the blue one of `light`."""
    generator = trained(
        people, tmp_path, warm_up=2400, pictures=600, conditions=["ethnicity"], evaluate_every=600
    )
    asked = pd.DataFrame({"ethnicity": ["dark"] * 40 + ["light"] * 40})
    middle = generator.draw(asked, seed=3)[:, :, 6:10, 6:10].float().mean((2, 3))
    red = (middle[:, 0] > middle[:, 2]).numpy()
    assert red[:40].mean() > 0.9
    assert red[40:].mean() < 0.25


@pytest.mark.slow
def test_training_comes_nearer_to_people_it_has_not_seen(people, tmp_path):
    generator = trained(people, tmp_path, warm_up=1200, pictures=600, evaluate_every=600, held_out=0.4)
    distances = [h["distance"] for h in generator.facts["history"]]
    blank = torch.zeros(60, 3, 16, 16)
    pixels, _, _ = loop.load_pictures(people, 16)
    assert min(distances) < 0.7 * pixel_distance(to_floats(pixels), blank)


def test_a_person_is_the_same_however_many_are_drawn(people, tmp_path):
    generator = trained(people, tmp_path)
    asked = generator.conditions.ask(9, rng=np.random.default_rng(0))
    all_of_them = generator.draw(asked, seed=5)
    assert torch.equal(all_of_them[:3], generator.draw(asked.head(3), seed=5))
    assert not torch.equal(all_of_them, generator.draw(asked, seed=6))


def test_truncation_takes_the_variation_away(people, tmp_path):
    generator = trained(people, tmp_path, conditions=["ethnicity"], warm_up=600)
    asked = pd.DataFrame({"ethnicity": ["dark"] * 30})
    spread = [generator.draw(asked, seed=1, psi=psi).float().std(0).mean() for psi in (1.0, 0.5, 0.0)]
    assert spread[0] > spread[1] > spread[2] == 0
    with pytest.raises(InputError, match=r"psi=1.5"):
        generator.draw(asked, psi=1.5)


def test_asking_for_a_group_it_does_not_know(people, tmp_path):
    generator = trained(people, tmp_path)
    with pytest.raises(InputError, match=r"knows ethnicity 'dark', 'light'.*'green'"):
        generator.draw(pd.DataFrame({"ethnicity": ["green"]}))


def test_files_that_are_no_generator(people, tmp_path):
    trained(people, tmp_path / "good")
    with pytest.raises(InputError, match="allowed are packaged and a folder"):
        load_generator(tmp_path)
    file = tmp_path / "cut" / FILE
    file.parent.mkdir()
    file.write_bytes((tmp_path / "good" / FILE).read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged, or no safetensors"):
        load_generator(file.parent)
    file.write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match="damaged, or no safetensors"):
        load_generator(file.parent)
    tensors, facts = load_tensors(tmp_path / "good" / FILE)
    save_tensors(file, tensors, {"something": "else"})
    with pytest.raises(InputError, match="holds no face generator"):
        load_generator(file)
    save_tensors(file, tensors, {**facts, "widths": [16, 13]})
    with pytest.raises(InputError, match="does not fit"):
        load_generator(file)
    save_tensors(file, tensors, {**facts, "size": 10**9})
    with pytest.raises(InputError, match="no network has size"):
        load_generator(file)
    other = Conditions.of(people, ["gender"]).to_facts()
    save_tensors(file, tensors, {**facts, "conditions": other})
    with pytest.raises(InputError, match="does not fit"):
        load_generator(file)


def test_no_rating_or_label_of_a_person_is_in_the_file(people, tmp_path):
    trained(people, tmp_path)
    _, facts = load_tensors(tmp_path / FILE)
    assert "0000.png" not in json.dumps(facts)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"size": 50}, "size=50"),
        ({"discriminator": "both"}, "relativistic or projected"),
        ({"augment": 0.9}, "augment=0.9"),
        ({"widths": (8, 8, 8)}, "widths"),
        ({"lr": 0}, "lr=0"),
        ({"precision": "fp8"}, "precision"),
        ({"patience": 0}, "patience"),
        ({"lr": "abc"}, "lr='abc': allowed is a number"),
        ({"lr": None}, "lr=None"),
        ({"widths": 3}, "widths=3"),
        ({"widths": (8, 0)}, "widths"),
        ({"pictures": 1.5}, "pictures=1.5: allowed is a whole number"),
    ],
)
def test_settings_out_of_range(setting, words):
    with pytest.raises(InputError, match=words):
        GeneratorTraining(**{"size": 16, **setting})


def test_too_few_people(people, tmp_path):
    with pytest.raises(InputError, match="at least 20 pictures"):
        trained(people.head(12), tmp_path)


def test_it_stops_when_the_distance_grows(people, tmp_path):
    generator = trained(people, tmp_path, lr=1e-9, pictures=6000, patience=2, ema=1e9)
    assert generator.facts["stopped_early"]
    assert generator.facts["history"][-1]["pictures"] < 6000


def test_augmentation_changes_both_players_alike_and_keeps_the_range_of_shapes():
    pictures = torch.rand(50, 3, 16, 16) * 2 - 1
    rng = torch.Generator().manual_seed(0)
    assert augment(pictures, 0.0, rng=rng) is pictures
    changed = augment(pictures, 0.5, rng=rng)
    assert changed.shape == pictures.shape
    untouched = [torch.allclose(a, b, atol=1e-5) for a, b in zip(changed, pictures, strict=True)]
    assert 0 < sum(untouched) < 20  # each of three changes with probability .5 leaves about an eighth


def test_distance_is_zero_for_the_same_people_and_sees_a_lost_group():
    def drawn(red, seed):  # noise on grey, of which `red` of 200 are red
        pictures = 0.1 * torch.randn(200, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
        pictures[:red, 0] += 0.5
        return pictures

    real, other, one_group = drawn(100, 0), drawn(100, 1), drawn(0, 2)
    assert pixel_distance(real, real) < 1e-6
    assert pixel_distance(real, other) < 0.3 * pixel_distance(real, one_group)


def test_bytes_and_floats_are_inverse():
    pictures = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(1, 3, 1, 1)
    assert torch.equal(to_bytes(to_floats(pictures)), pictures)


def test_saved_and_loaded_draw_the_same(people, tmp_path):
    generator = trained(people, tmp_path / "a")
    copy = tmp_path / "b"
    copy.mkdir()
    shutil.copy(generator.save(tmp_path / "a"), copy)
    asked = generator.conditions.ask(4, rng=np.random.default_rng(0))
    assert torch.equal(load_generator(copy).draw(asked), generator.draw(asked))
    assert isinstance(load_generator(copy), FaceGenerator)


def test_a_training_goes_on_from_another_generator(people, tmp_path):
    first = trained(people, tmp_path / "first", warm_up=300)
    more = trained(people, tmp_path / "more", start=str(tmp_path / "first"), lr=1e-9, pictures=60, ema=1e9)
    for name, value in first.network.state_dict().items():
        torch.testing.assert_close(more.network.state_dict()[name], value, atol=1e-5, rtol=0)
    judged = [load_tensors(tmp_path / name / loop.JUDGED_BY)[0] for name in ("first", "more")]
    name = "discriminator.head.score.weight"
    torch.testing.assert_close(judged[0][name], judged[1][name], atol=1e-5, rtol=0)
    with pytest.raises(InputError, match=r"generator\.warm_up=300: an autoencoder would overwrite"):
        trained(people, tmp_path / "warm", start=str(tmp_path / "first"), warm_up=300)
    with pytest.raises(InputError, match="another network: latent 8, here 9"):
        trained(people, tmp_path / "other", start=str(tmp_path / "first"), latent=9)


def test_half_the_place_changes_no_pixel_visibly(people, tmp_path):
    generator = trained(people, tmp_path / "a", warm_up=300)
    (tmp_path / "half").mkdir()
    generator.save(tmp_path / "half", dtype=torch.float16)
    asked = generator.conditions.ask(20, rng=np.random.default_rng(0))
    change = load_generator(tmp_path / "half").draw(asked).int() - generator.draw(asked).int()
    assert change.abs().max() <= 2


def test_start_with_the_same_conditions_in_another_order_is_refused(people, tmp_path):
    """Columns of an encoded row would change their meaning."""
    trained(people, tmp_path / "first", conditions=["ethnicity", "gender"])
    with pytest.raises(InputError, match=r"another network: conditions .*ethnicity.*gender.*here"):
        trained(people, tmp_path / "more", conditions=["gender", "ethnicity"], start=str(tmp_path / "first"))


def test_a_small_share_of_few_people_still_leaves_people_to_learn_from(people, tmp_path):
    generator = trained(people, tmp_path, held_out=0.005, pictures=20, evaluate_every=20)
    assert generator.facts["n"] == 60
    assert np.isfinite(generator.facts["history"][-1]["distance"])


def test_killed_after_it_has_given_up_it_does_not_go_on(people, tmp_path, monkeypatch):
    settings = {"lr": 1e-9, "pictures": 6000, "patience": 1, "ema": 1e9}
    whole = trained(people, tmp_path / "whole", **settings)
    measures = len(whole.facts["history"])
    save = loop.save_tensors

    class Killed(Exception):
        pass

    def killing(path, tensors, facts):
        save(path, tensors, facts)
        if path.name == loop.STATE and len(facts["history"]) == measures:
            raise Killed

    monkeypatch.setattr(loop, "save_tensors", killing)
    with pytest.raises(Killed):
        trained(people, tmp_path / "killed", **settings)
    monkeypatch.undo()
    trained(people, tmp_path / "killed", **settings)
    assert (tmp_path / "whole" / FILE).read_bytes() == (tmp_path / "killed" / FILE).read_bytes()


def test_a_generator_draws_on_the_device_where_it_is(people, tmp_path, monkeypatch):
    """`meta` computes nothing but refuses, as cuda does, what lies on the CPU: a preview in a training on a GPU."""
    generator = trained(people, tmp_path)
    seen = []

    def to_bytes_of_any(pictures):
        seen.append(pictures.device.type)
        return torch.zeros(pictures.shape, dtype=torch.uint8)

    monkeypatch.setattr(drawing, "to_bytes", to_bytes_of_any)
    monkeypatch.setattr(drawing, "autocast", lambda precision, device: nullcontext())
    generator.network.to("meta")
    assert generator.draw(people.head(3)).shape == (3, 3, 16, 16)
    assert seen == ["meta"]
