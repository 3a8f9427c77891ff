"""judge private attack, as a person uses it: tiny rendered people, a judge on features of small pictures, a pool."""

import json
import shutil

import pandas as pd
import pytest

from judge.cli import main
from judge.data.parametric import read_parametric

N = 80
PEOPLE = (
    "data.size=32",
    "data.mode=natural",
    "data.picture_format=png",
    "data.workers=1",
    "data.progress=false",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache in which the people are drawn already."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(monkeypatch, cache, tmp_path):
    monkeypatch.setenv("JUDGE_CACHE", str(cache))

    def called(*more, out="out"):
        return main(
            ["private", "attack", f"data.n={N}", *PEOPLE, "judge.embedding.size=32", "--targets", "2", "--shadows", "4",
             "--fpr", ".5,.01", "--quiet", "--out", str(tmp_path / out), *map(str, more)]
        )  # fmt: skip

    return called


@pytest.mark.slow
def test_judges_by_their_trainings(command, tmp_path, capsys):
    assert command("--overfit", "--claimed", "1") == 0
    said = capsys.readouterr().out
    assert "Members are found." in said
    assert "nothing is said: it needs 1,000 non-members" in said
    out = tmp_path / "out"
    rates = pd.read_csv(out / "rates.csv")
    assert set(rates["scope"]) == {"0", "1", "all targets", "over targets"}
    assert set(rates["group"]) == {"all", "african", "asian", "caucasian"}
    assert len(pd.read_parquet(out / "audit.parquet")) == 2
    assert "2 targets and 4 shadows (a regression that memorises), on halves of 80 people" in (
        out / "page.html"
    ).read_text(encoding="utf-8")
    assert {path.name for path in (out / "figures").iterdir()} >= {"roc.svg", "groups.svg"}
    written = [
        path for path in out.rglob("*") if path.is_file() and path.suffix in (".csv", ".json", ".html")
    ]
    manifest = read_parametric(N, size=32, mode="natural", picture_format="png", render=False).manifest
    for path in written:  # nobody's name, nobody's picture
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in manifest["image_id"])
        assert "image/jpeg" not in text and "image/png" not in text
    assert command("--overfit", "--random-labels", "--claimed", "1", out="control") == 0
    said = capsys.readouterr().out
    assert "a control" in said and "the claim is not refuted" in said


@pytest.mark.slow
def test_a_private_head_says_what_is_public(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("judge.cli.private.attack.PUBLIC", 70)
    assert command("--epsilon", "1") == 0
    said = capsys.readouterr().out
    assert "70 rendered people by whom features are scaled" in said
    assert "the claim is not refuted" in said
    assert (
        "ε = 1, δ = 0.003"
        in json.loads((tmp_path / "out" / "attack.json").read_text(encoding="utf-8"))["what"]
    )


@pytest.mark.slow
def test_a_pool_of_copies(command, cache, tmp_path, capsys):
    manifest = read_parametric(
        N,
        size=32,
        mode="natural",
        picture_format="png",
        workers=1,
        progress=False,
        cache_dir=cache / "parametric",
    ).manifest
    inside = manifest["split"] == "train"
    pool = tmp_path / "pool"
    (pool / "people").mkdir(parents=True)
    for i, path in enumerate(manifest.loc[inside, "path"]):
        shutil.copy(path, pool / "people" / f"{i}.png")
    shutil.copy(manifest["path"].iloc[0], pool / "sheet.png")  # beside the people, and none of them
    names = tmp_path / "members.txt"
    names.write_text("\n".join(manifest.loc[inside, "image_id"]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:  # of 80 people 12 are left on each side
        patch.setattr("judge.cli.private.attack_on_pool.LEAST", 10)
        patch.setattr("judge.privacy.attacks.study.coin_subset", lambda members, rng: range(len(members)))
        assert command("--pool", pool, "--members", names, "--claimed", "1", out="named") == 0
        assert command("--pool", pool, "--members", "split=train", out="split") == 0
    assert "56 synthetic pictures, 56 members, 12 non-members, 12 reference pictures" in (
        tmp_path / "named" / "page.html"
    ).read_text(encoding="utf-8")
    tables = [pd.read_csv(tmp_path / name / "rates.csv") for name in ("named", "split")]
    pd.testing.assert_frame_equal(*tables)
    # every member lies in the pool
    assert tables[0].set_index(["attack", "group"]).loc[("nearest, pixels", "all"), "auc"].max() > 0.99


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--pool", "nowhere"], "belong together"),
        (["--members", "split=train"], "belong together"),
        (["--pool", "x", "--members", "split=train", "--overfit"], "an attack on a --pool trains nothing"),
        (["--overfit", "--epsilon", "1"], "two judges"),
        (["--epsilon", "0"], "--epsilon=0.0: over 0"),
        (["--epsilon", "1", "--claimed", "2"], "--epsilon is what is claimed"),
        (["--claimed", "-1"], "--claimed=-1.0"),
        (["--delta", "1"], "--delta=1.0"),
        (["--fpr", "1%"], "--fpr='1%'"),
        (["--shadows", "5"], "shadows=5"),
        (["--targets", "0"], "targets=0"),
        (["--guesses", "3"], "guesses=3"),
        (["--confidence", "95"], "confidence=95"),
        (["judge=cnn", "--overfit"], "take judge=embedding"),
        (["seed=-1"], "seed=-1"),
        (["nothing"], "are KEY=VALUE"),
        (["data=nowhere"], "data=nowhere"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(command, more, words, capsys):
    assert command(*more) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_pool_or_a_group_that_there_is_not(command, tmp_path, capsys):
    assert command("--pool", tmp_path / "none", "--members", "split=train") == 2
    assert "there is no such folder" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command("--pool", empty, "--members", "split=train") == 2
    assert "0 pictures; at least 10" in capsys.readouterr().err


def test_out_is_needed(capsys):
    assert main(["private", "attack"]) == 2
    assert "needs --out DIR" in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["private", "attack", "--help"])
    said = capsys.readouterr().out
    assert "judge private attack data.n=2000 data.size=64 --epsilon 1 --out attack/private" in said
