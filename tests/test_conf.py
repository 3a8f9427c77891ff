"""Every file of conf/ composes, and what it names exists and takes what it gives."""

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.errors import ConfigCompositionException
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf

from judge import config
from judge.errors import InputError

CONF = Path(__file__).parents[1] / "conf"


def options(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def composed(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=list(overrides))


def roots(settings):
    """A root for data sets that want one."""
    wanted = OmegaConf.is_dict(settings) and "root" in settings and OmegaConf.is_missing(settings, "root")
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


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("", "default"),
        ("pool.majority_share=.9,seed=1", "pool.majority_share=.9,seed=1"),
        ("data.root=/a b/c", "data.root=_a_b_c"),
    ],
)
def test_a_run_s_folder_is_named_after_what_was_set(overrides, name):
    assert config.folder_name(overrides) == name


def test_long_overrides_make_different_folders_of_bounded_length():
    names = {config.folder_name("x" * 300 + str(i)) for i in range(50)}
    assert len(names) == 50
    assert max(map(len, names)) < 140
