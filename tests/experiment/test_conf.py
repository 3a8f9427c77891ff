"""Every file of conf/ composes, and what it names exists and takes what it gives."""

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.errors import ConfigCompositionException
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.experiment import settings as config

CONF = Path(__file__).parents[2] / "conf"


def options(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def composed(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=list(overrides))


def roots(settings):
    """A root for data sets that want one."""
    wanted = OmegaConf.is_dict(settings) and OmegaConf.is_missing(settings, "root")
    return OmegaConf.merge(settings, {"root": "somewhere"}) if wanted else settings


@pytest.mark.parametrize("option", options("data"))
def test_a_data_set_s_settings_are_arguments_of_its_reader(option):
    settings = roots(composed(f"data={option}").data)
    arguments = OmegaConf.to_container(settings, resolve=False)
    reader = get_method(arguments["_target_"])
    inspect.signature(reader).bind(**{k: v for k, v in arguments.items() if not k.startswith("_")})


@pytest.mark.parametrize("group", ["judge", "mitigation", "contest"])
def test_a_group_s_options_instantiate(group):
    for option in options(group):
        assert callable(instantiate(composed(f"{group}={option}")[group])) or group == "judge"


@pytest.mark.parametrize("option", options("experiment"))
def test_every_experiment_composes_and_passes_the_range_checks(option):
    settings = composed(f"experiment={option}")
    settings.data = roots(settings.data)
    settings.entrants_data = settings.entrants_data and roots(settings.entrants_data)
    config.check(settings)
    assert settings.name != "contest", "an experiment's runs go into a folder of their own"


def test_an_experiment_s_values_win_over_the_defaults_and_the_command_line_over_both():
    assert composed("experiment=demo").pool.majority_share == 0.95
    assert composed("experiment=demo", "pool.majority_share=.7").pool.majority_share == 0.7


def test_a_misspelt_key_is_refused():
    with pytest.raises(ConfigCompositionException, match="majority_shares"):
        composed("pool.majority_shares=.7")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("pool.majority_share=1.2", "pool.majority_share lies between 0 and 1"),
        ("pool.validation=0", "pool.validation lies between"),
        ("entrants.held_out=1", "entrants.held_out lies between"),
        ("pool.n=3", "pool.n is at least 20"),
        ("entrants.n=0", "entrants.n is at least 1"),
        ("entrants.shares=fair", "equal, natural or one share a group; given 'fair'"),
        ("audit.confidence=1", "audit.confidence lies between 0 and 1"),
        ("contest.places=0", "contest.places is at least 1"),
        ("contest.min_age=16", "contest.min_age is at least 18"),
    ],
)
def test_values_out_of_range_are_named_with_what_is_allowed(override, words):
    with pytest.raises(InputError, match=words):
        config.check(composed(override))


def test_the_hash_ignores_what_changes_no_table_and_nothing_else():
    plain = config.settings_hash(composed())
    assert config.settings_hash(composed("name=other", "report.page=false", "threads=1")) == plain
    assert config.settings_hash(composed("seed=1")) != plain
    assert config.settings_hash(composed("pool.majority_share=.91")) != plain


def test_another_root_or_another_content_of_a_named_file_is_another_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    unwanted = tmp_path / "unwanted.txt"
    unwanted.write_text("1.jpg\n")
    first = config.settings_hash(composed("data=folder", "data.root=a", "data.exclude=unwanted.txt"))
    again = composed("data=folder", f"data.root={tmp_path}/b/../a", "data.exclude=unwanted.txt")
    assert config.settings_hash(again) == first
    assert config.settings_hash(composed("data=folder", "data.root=b", "data.exclude=unwanted.txt")) != first
    unwanted.write_text("2.jpg\n")
    assert config.settings_hash(again) != first
    before = config.settings_hash(composed("data=folder", "data.root=a", "data.table=labels.csv"))
    (tmp_path / "a/labels.csv").write_text("path,rating\n")
    assert config.settings_hash(composed("data=folder", "data.root=a", "data.table=labels.csv")) != before


def test_a_data_set_s_root_gives_a_folder_of_its_own_that_does_not_say_where_it_lies():
    names = {config.folder_name(f"data=folder,data.root={root},seed=1") for root in ("/x/a", "/y/a", "/x_a")}
    assert len(names) == 3
    assert "home" not in config.folder_name("data.root=/home/me/faces")
    assert config.folder_name("entrants_data.root=/x/a/") == config.folder_name("entrants_data.root='/x/a'")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("", "default"),
        ("pool.majority_share=.9,seed=1", "pool.majority_share=.9,seed=1"),
        ("pool.rating_shift={african:-1}", "pool.rating_shift=_african_-1"),
    ],
)
def test_a_run_s_folder_is_named_after_what_was_set(overrides, name):
    assert config.folder_name(overrides) == name


def test_long_overrides_make_different_folders_of_bounded_length():
    names = {config.folder_name("x" * 300 + str(i)) for i in range(50)}
    assert len(names) == 50
    assert max(map(len, names)) < 140
