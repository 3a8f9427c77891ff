"""The discriminator as a judge, and the two commands: planted differences are found, what cannot be is refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from judge.cli import main
from judge.errors import InputError
from judge.generator import GeneratorTraining, train_generator
from judge.generator.conditions import Conditions
from judge.generator.critic import (
    OWN,
    UNTOLD,
    Critic,
    group_differences,
    load_critic,
    scores_of,
    tone_correlations,
    winners_by_group,
)

SIZE = 16


class Brightness(nn.Module):
    """Likes light pictures, and by two whoever is told to be of the first group."""

    def forward(self, pictures, conditions):
        return pictures.mean((1, 2, 3)) + 2 * conditions[:, 0]


@pytest.fixture
def critic():
    conditions = Conditions({"ethnicity": ("african", "asian")}, {}, ((("african",), 5), (("asian",), 5)), {})
    return Critic(Brightness().eval(), SIZE, conditions, "relativistic")


def planted(n: int = 120) -> tuple[torch.Tensor, pd.DataFrame]:
    """One group is darker; within each group lighter skin makes a lighter picture."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "image_id": [f"p{i}" for i in range(n)],
            "ethnicity": np.resize(["african", "asian"], n),
            "gender": np.resize(["female", "female", "male", "male"], n),
            "ita": rng.uniform(-30, 50, n),
        }
    )
    level = 90 + 60 * (people["ethnicity"] == "asian") + people["ita"] / 4
    flat = torch.tensor(level.round().to_numpy(), dtype=torch.uint8)
    return flat[:, None, None, None].expand(n, 3, SIZE, SIZE).contiguous(), people


def test_a_critic_that_likes_light_pictures_is_found_out(critic):
    pictures, people = planted()
    scores = scores_of(critic, pictures, people)
    np.testing.assert_allclose(scores[OWN] - scores[UNTOLD], 2.0 * (people["ethnicity"] == "african"))
    table = group_differences(scores, ["ethnicity", "gender"]).set_index(["score", "group"])
    assert table.loc[(UNTOLD, "asian"), "ci_low"] > 1
    assert table.loc[(OWN, "asian"), "ci_high"] < 0  # telling the label turns it round
    assert table.loc[(UNTOLD, "female"), "p_holm"] > 0.05
    assert table.loc[(UNTOLD, "asian"), "difference"] == pytest.approx(
        -table.loc[(UNTOLD, "african"), "difference"]
    )
    tone = tone_correlations(scores, ["ethnicity"]).set_index(["score", "group"])
    assert tone.loc[(UNTOLD, "asian"), "rho"] > 0.99  # levels are rounded
    assert tone.loc[(UNTOLD, "all"), "rho"] < tone.loc[(UNTOLD, "asian"), "rho"]


def test_winners_counted_by_hand(critic):
    pictures, people = planted()
    won = winners_by_group(scores_of(critic, pictures, people), ["ethnicity"], share=0.1)
    won = won.set_index(["score", "group"])
    assert won.loc[(UNTOLD, "asian"), "winners"] == 12 and won.loc[(UNTOLD, "african"), "winners"] == 0
    # all 12 places to one half of 120 people: twice C(60, 12)/C(120, 12), as the test is two-sided
    from math import comb

    assert won.loc[(UNTOLD, "asian"), "p_value"] == pytest.approx(2 * comb(60, 12) / comb(120, 12))
    with pytest.raises(InputError, match="share=1"):
        winners_by_group(people.assign(**{OWN: 0.0, UNTOLD: 0.0}), ["ethnicity"], share=1)


def test_a_critic_that_sees_no_difference_says_none():
    rng = np.random.default_rng(1)
    people = planted(400)[1]
    scores = people.assign(**{name: rng.normal(size=400) for name in (OWN, UNTOLD)})
    assert (group_differences(scores, ["ethnicity", "gender"])["p_holm"] > 0.01).all()
    assert tone_correlations(scores.drop(columns="ita"), ["ethnicity"]).empty


def test_what_a_critic_refuses(critic, tmp_path):
    pictures, people = planted(10)
    with pytest.raises(InputError, match="takes uint8"):
        critic.score(pictures.float(), people)
    with pytest.raises(InputError, match="labels of 4 people"):
        critic.score(pictures, people.head(4))
    with pytest.raises(InputError, match="knows ethnicity"):
        critic.score(pictures, people.assign(ethnicity="martian"))
    with pytest.raises(InputError, match=r"no discriminator\.safetensors there"):
        load_critic(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of pictures as judge data folder reads it, and tiny generators of it with either discriminator."""
    place = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    n = 240
    people = pd.DataFrame(
        {
            "image_id": [f"{i:03}.png" for i in range(n)],
            "ethnicity": np.resize(["african", "asian", "asian"], n),
            "gender": np.resize(["female", "male"], n),
            "age": 30,
        }
    )
    (place / "faces").mkdir()
    for name, group in zip(people["image_id"], people["ethnicity"], strict=True):
        level = 80 if group == "african" else 160
        pixels = np.clip(rng.normal(level, 20, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).resize((32, 32)).save(place / "faces" / name)
    people.rename(columns={"image_id": "file"}).to_csv(place / "faces" / "labels.csv", index=False)
    manifest = people.assign(path=[str(place / "faces" / name) for name in people["image_id"]])
    for kind in ("relativistic", "projected"):
        settings = GeneratorTraining(
            size=SIZE, discriminator=kind, conditions=("ethnicity", "gender"), pictures=64, widths=(8, 8), latent=4,
            batch=16, held_out=0.1, evaluate_every=64, precision="float32", accelerator="cpu",
        )  # fmt: skip
        train_generator(
            manifest, settings, seed=0, workdir=place / kind, progress=False,
            facts={"data": "folder", "real_people": False},
        )  # fmt: skip
    return place


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relativistic", "projected"])
def test_a_saved_discriminator_judges(trained, kind):
    critic = load_critic(trained / kind)
    assert (critic.size, critic.kind, critic.conditions.names) == (SIZE, kind, ("ethnicity", "gender"))
    pictures, people = planted(6)
    one = critic.score(pictures, people)
    assert np.isfinite(one).all() and one.std() > 0
    np.testing.assert_allclose(critic.score(pictures[:2], people.head(2)), one[:2], rtol=1e-4, atol=1e-5)
    data = (trained / kind / "discriminator.safetensors").read_bytes()
    (trained / "cut.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_critic(trained / "cut.safetensors")
    with pytest.raises(InputError, match="holds no discriminator"):
        load_critic(trained / kind / "generator.safetensors")


def data_of(place) -> list[str]:
    return ["--data", "folder", f"root={place / 'faces'}"]


@pytest.mark.slow
def test_detect_command(trained, tmp_path, capsys):
    folders = [str(trained / name) for name in ("relativistic", "projected")]
    call = ["generate", "detect", "--generator", folders[0], "--other", folders[1], *data_of(trained)]
    call += ["--n", "230", "--detector", "spectrum", "--fpr", ".1", "--out", str(tmp_path / "o")]
    assert main([*call, "--save", "--quiet", "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "learnt from relativistic" in said and "learnt from projected" in said and "page:" in said
    rates = pd.read_csv(tmp_path / "o" / "rates.csv")
    whole = rates.query("feature == 'all' and perturbation == 'none' and trained_on == tested_on")
    assert (whole["rate"] > 0.9).all()  # 64 pictures of training: nothing like a face
    assert set(rates["perturbation"]) > {"none", "JPEG 50"} and set(rates["trained_on"]) == {
        "relativistic",
        "projected",
    }
    facts = json.loads((tmp_path / "o" / "settings.json").read_text())
    assert facts["encoding"] == {"size": SIZE, "jpeg": None} and facts["cautions"]
    page = (tmp_path / "o" / "page.html").read_text()
    assert "Learnt from projected" in page and "taken for generated" in page
    assert (tmp_path / "o" / "spectrum-relativistic.safetensors").is_file()
    assert pd.read_csv(tmp_path / "o" / "left_out.csv")["count"].tolist() == [10]


@pytest.mark.slow
def test_critic_command_and_the_audit_of_its_winners(trained, tmp_path, capsys):
    out = tmp_path / "o"
    call = ["generate", "critic", "--generator", str(trained / "relativistic"), *data_of(trained)]
    assert main([*call, "--n", "200", "--out", str(out), "--quiet", "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "ethnicity african" in said and "judge audit" in said
    assert len(pd.read_csv(out / "scores.csv")) == len(pd.read_csv(out / "generated.csv")) == 200
    assert set(pd.read_csv(out / "differences.csv")["people"]) == {"real", "generated"}
    assert "The discriminator as a judge" in (out / "page.html").read_text()
    command = said.split("exact statistics of its winners: ")[1].split()[1:]
    assert main(command) == 0
    assert "african" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["detect"], "needs --out DIR"),
        (["detect", "--out", "o", "--jpeg", "0"], "auto, none, or a quality"),
        (["detect", "--out", "o", "--detector", "magic"], "magic"),
        (["detect", "--out", "o", "--n", "3"], "at least 50 people"),
        (["detect", "--out", "o", "--data", "fairface", "root"], "no KEY=VALUE"),
        (["detect", "--out", "o", "--generator", "nowhere"], "no generator.safetensors there"),
        (["critic"], "needs --out DIR"),
        (["critic", "--out", "o", "--generator", "x", "--share", "2"], "between 0 and 1"),
    ],
)
def test_options_that_cannot_be_meant(options, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
