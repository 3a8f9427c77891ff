"""What the base install leaves out: the extras' names, their packages, and what a command says without them."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from judge import extras
from judge.cli import main
from judge.errors import InputError

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = {"torch", "torchvision", "timm", "lightning-fabric", "numba", "scikit-image", "onnxruntime"}


def plain(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0].lower()


def brought_by(extra: str) -> set[str]:
    """Packages of an extra, those of the extras that it names included."""
    found = set()
    for word in PROJECT["optional-dependencies"][extra]:
        if word.startswith("judge["):
            found |= {name for one in word[6:-1].split(",") for name in brought_by(one)}
        else:
            found.add(plain(word))
    return found


def test_the_base_has_no_network_and_no_renderer():
    assert not HEAVY & set(map(plain, PROJECT["dependencies"]))


@pytest.mark.parametrize("extra", extras.EXTRAS)
def test_an_extra_brings_the_modules_by_which_it_is_known(extra):
    packages = packages_distributions()
    for module in extras.EXTRAS[extra]:
        if module not in packages:
            pytest.skip(f"{module} is not installed")
        assert {name.lower().replace("_", "-") for name in packages[module]} & brought_by(extra), module


@pytest.fixture
def without(monkeypatch):
    """Acts as if modules were not installed: their finder does not find them, as in a base install."""
    real = extras.importlib.util.find_spec

    def leave_out(*modules):
        monkeypatch.setattr(
            extras.importlib.util, "find_spec", lambda name: None if name in modules else real(name)
        )

    return leave_out


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["run", "seed=1"], "train"),
        (["score", "--judge", "nowhere", "--data", "nowhere"], "train"),
        (["data", "parametric", "--out", "people"], "train"),
        (["data", "twins", "--out", "people"], "train"),
        (["generate", "sample", "--out", "people"], "generate"),
        (["private", "secrecy", "--out", "secret"], "private"),
    ],
)
def test_a_command_without_its_extra_says_which_command_installs_it(
    words, extra, without, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    without("torch", "numba")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert (
        f"judge {words[0]}: this command needs torch and numba, which are not installed: pip install 'judge[{extra}]'"
        in said
    )
    assert not list(tmp_path.iterdir())  # before any work


def test_a_launcher_without_the_extra_cluster(without, capsys):
    without("submitit")
    assert main(["run", "-m", "hydra/launcher=submitit_slurm", "seed=0,1"]) == 2
    assert "hydra/launcher=submitit_slurm needs submitit, which is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["data", "folder", "--card"], ["audit", "beauty-ai-2016"]])
def test_what_only_tells_needs_no_extra(words, without, capsys):
    without("torch", "numba")
    assert main(words) == 0


def test_python_asks_for_the_extra_as_well(without):
    import judge

    without("torch")
    with pytest.raises(
        InputError, match=r"judge.run needs torch, which is not installed: pip install 'judge\[train\]'"
    ):
        judge.run(["seed=1"])
