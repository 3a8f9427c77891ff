"""Every file of conf/ composes, and what it names exists and takes what it gives."""

import hashlib
import inspect
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.errors import ConfigCompositionException
from hydra.utils import get_class, get_method, instantiate
from omegaconf import OmegaConf

from judge.data.groups import Groups
from judge.errors import InputError
from judge.experiment.folder_names import folder_name
from judge.experiment.settings import unpack
from judge.jury.network.losses import SquaredError

CONF = Path(__file__).parents[2] / "conf"


def options(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def composed(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=list(overrides))


def digest(settings):
    return unpack(settings).digest


def roots(settings):
    """A root for data sets that want one."""
    wanted = OmegaConf.is_dict(settings) and OmegaConf.is_missing(settings, "root")
    return OmegaConf.merge(settings, {"root": "somewhere"}) if wanted else settings


@pytest.mark.parametrize("option", options("data"))
def test_the_settings_of_a_data_set_are_arguments_of_its_reader(option):
    settings = roots(composed(f"data={option}").data)
    arguments = OmegaConf.to_container(settings, resolve=False)
    reader = get_method(arguments["_target_"])
    inspect.signature(reader).bind(**{k: v for k, v in arguments.items() if not k.startswith("_")})


@pytest.mark.parametrize("group", ["judge", "mitigation", "contest"])
def test_the_options_of_a_group_instantiate(group):
    for option in options(group):
        settings = composed(f"{group}={option}")[group]
        # an objective is made in the training, around the judge's loss and the groups
        objective = group == "mitigation" and get_class(settings["_target_"]).seam == "objective"
        made = instantiate(settings, _partial_=objective)
        made = made(SquaredError(), Groups("gender", ("men", "women"))) if objective else made
        assert callable(made) or group == "judge"


@pytest.mark.parametrize("option", options("experiment"))
def test_every_experiment_composes_and_passes_the_range_checks(option):
    settings = composed(f"experiment={option}")
    settings.data = roots(settings.data)
    settings.entrants_data = settings.entrants_data and roots(settings.entrants_data)
    assert len(unpack(settings).conditions) >= 2
    assert settings.name != "contest", "an experiment's runs go into a folder of their own"


def test_the_values_of_an_experiment_win_over_the_defaults_and_the_command_line_over_both():
    assert composed("experiment=demo_network").pool.majority_share == 0.95
    assert composed("experiment=demo_network", "pool.majority_share=.7").pool.majority_share == 0.7


def test_the_demos_networks_learn_from_the_people_of_its_sweep_and_judge_the_same_contestants():
    sweep, networks = composed("experiment=demo"), composed("experiment=demo_network")
    assert sweep.data == networks.data
    assert sweep.entrants == networks.entrants
    assert sweep.pool.n == networks.pool.n


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
        unpack(composed(override))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["+conditions.x={jury: {gate: null}}"],
            r"conditions\.x\.jury changes nothing: jury\.gate is that already",
        ),
        (
            ["jury=full", "+conditions.x={jury: {models: {shares: as_pool}}}"],
            r"conditions\.x\.jury changes nothing",
        ),
        (["+conditions.x={jury: {models: {shares: equal}}}"], r"'models'.*no robot sits: jury=full"),
        (["+conditions.x={jury: {gate: {min_luminance: 0.1}}}"], r"conditions\.x\.jury\.gate=.*conf/gate"),
        (
            ["jury=full", "+conditions.x={jury: {models: {sharess: 1}}}"],
            r"conditions\.x\.jury\.models: .*sharess",
        ),
        (
            ["jury=full", "+conditions.x={jury: {panel: {rule: fair}}}"],
            r"conditions\.x\.jury\.panel: .*'fair'",
        ),
        (["~jury", "+conditions.x={jury: {gate: off}}"], "there is none: jury=beauty or jury=full"),
    ],
)
def test_a_change_of_the_jury_that_is_none_is_refused_before_any_work(overrides, words):
    with pytest.raises(InputError, match=words):
        unpack(composed(*overrides))


def test_a_gate_may_be_put_before_the_network_alone_in_one_condition():
    sittings = unpack(composed("+conditions.gated={jury: {gate: default}}")).sittings
    assert [sitting.gate is None for sitting in sittings.values()] == [True, True, False]


def test_the_hash_ignores_what_changes_no_table_and_nothing_else():
    plain = digest(composed())
    quiet = [
        "name=other",
        "report.page=false",
        "threads=1",
        "data.progress=false",
        "data.workers=1",
        "jury.chunk=7",
    ]
    assert digest(composed(*quiet, "+judge.progress=false", "+judge.scoring.threads=1")) == plain
    assert digest(composed("seed=1")) != plain
    assert digest(composed("pool.majority_share=.91")) != plain
    assert digest(composed("mitigation=reweight")) != plain
    assert digest(composed("entrants.jointly=gender")) != plain
    assert digest(composed("+conditions.within=standardise_within")) != plain


def test_a_short_form_and_what_it_stands_for_are_one_run():
    short = composed("+conditions.within=standardise_within")
    whole = (
        "{_target_: judge.mitigation.scores.StandardiseWithin, centre: true, spread: true, min_people: 10}"
    )
    assert digest(short) == digest(composed("+conditions.within={scores: " + whole + "}"))
    assert digest(composed("mitigation=redraw")) == digest(composed())


def test_another_root_or_another_content_of_a_named_file_is_another_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    unwanted = tmp_path / "unwanted.txt"
    unwanted.write_text("1.jpg\n")
    first = digest(composed("data=folder", "data.root=a", "data.exclude=unwanted.txt"))
    again = composed("data=folder", f"data.root={tmp_path}/b/../a", "data.exclude=unwanted.txt")
    assert digest(again) == first
    assert digest(composed("data=folder", "data.root=b", "data.exclude=unwanted.txt")) != first
    unwanted.write_text("2.jpg\n")
    assert digest(again) != first
    before = digest(composed("data=folder", "data.root=a", "data.table=labels.csv"))
    (tmp_path / "a/labels.csv").write_text("path,rating\n")
    assert digest(composed("data=folder", "data.root=a", "data.table=labels.csv")) != before


def test_the_root_of_a_data_set_gives_a_folder_of_its_own_that_does_not_say_where_it_lies():
    names = {folder_name(["data=folder", f"data.root={root}", "seed=1"]) for root in ("/x/a", "/y/a", "/x_a")}
    assert len(names) == 3
    assert "home" not in folder_name("data.root=/home/me/faces")
    assert folder_name("entrants_data.root=/x/a/") == folder_name("entrants_data.root='/x/a'")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "default"),
        (["seed=1", "pool.majority_share=.9"], "share=0.9,seed=1"),
        (["pool.majority_share=0.90", "seed=1"], "share=0.9,seed=1"),
        (["data=mine", "seed=1", "pool.majority_share=.9"], "data=mine,share=0.9,seed=1"),
        (["mitigation=redraw", "seed=1"], "seed=1,mitigation=redraw"),
        (["experiment=demo", "seed=1", "report.page=false", "threads=1", "+judge.progress=false"], "seed=1"),
        (["+conditions.up=resample_up"], "+up=resample_up"),
        (["+conditions.reweight=reweight", "seed=1"], "seed=1,+reweight"),
        (["+conditions.cache=resample_up"], "+cache=resample_up"),
    ],
)
def test_the_folder_of_a_run_shows_share_seed_and_conditions(overrides, name):
    assert folder_name(overrides) == name


def test_everything_else_is_in_the_hash_of_a_folders_name_and_nothing_is_lost():
    plain = ["seed=1", "pool.majority_share=.9"]
    others = [
        [], ["pool.n=60"], ["pool.n=61"], ["pool.n=60", "data.n=900"], ["+pool.n=60"],
        ["pool.rating_shift={african:-1}"],
        ["pool.rating_shift={african:1}"], ["+conditions.x={pool: null}"], ["+conditions.x={pool: [1]}"],
    ]  # fmt: skip
    names = [folder_name([*plain, *more]) for more in others]
    assert len(set(names)) == len(others)
    assert all(re.fullmatch(r"share=0\.9,seed=1(-[0-9a-f]{8})?", name) for name in names)
    # a list of words in another order is the same run
    assert folder_name(["pool.n=60", *plain]) == folder_name([*plain, "pool.n=60"])
    # a value that cannot stand in a name is hidden, not changed: a/b is not a_b
    assert (
        len({folder_name(["seed=0", f"mitigation={value}"]) for value in ("a/b", "a_b", "a b", "{a: b}")})
        == 4
    )


def test_a_run_under_the_longer_name_of_an_earlier_version_is_found_again(tmp_path):
    words = ["seed=1", "pool.majority_share=.9", "data.n=900"]
    assert folder_name(words, tmp_path) == folder_name(words)
    (tmp_path / "data.n=900,pool.majority_share=.9,seed=1").mkdir()
    assert folder_name(words, tmp_path) == "data.n=900,pool.majority_share=.9,seed=1"
    assert folder_name(["seed=2", *words[1:]], tmp_path) == folder_name(["seed=2", *words[1:]])


def test_a_run_whose_name_did_not_show_its_data_set_is_found_again(tmp_path):
    words = ["data=mine", "seed=1"]
    # as names were before they showed the data set
    hidden = f"seed=1-{hashlib.blake2b(b'data=mine', digest_size=4).hexdigest()}"
    (tmp_path / hidden).mkdir()
    assert folder_name(words, tmp_path) == hidden
    assert folder_name(["data=mine", "seed=2"], tmp_path) == "data=mine,seed=2"


def test_long_overrides_make_different_folders_of_bounded_length():
    names = {folder_name("x" * 300 + str(i)) for i in range(50)}
    assert len(names) == 50
    assert max(map(len, names)) < 140
