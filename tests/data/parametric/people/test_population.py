"""Who the people are: streams, labels, distributions, the two modes, the camera."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.data.parametric.draws import uniforms
from judge.data.parametric.people.distributions import draw
from judge.data.parametric.people.labels import assign, cell_shares
from judge.data.parametric.people.population import RENDERED, persons, sample
from judge.data.parametric.people.settings import population_settings
from judge.data.parametric.person import Parameter
from judge.errors import InputError

ETHNICITY = ("african", "asian", "caucasian")


@pytest.fixture(scope="module")
def independent():
    return sample(6000, seed=5, mode="independent")


@pytest.fixture(scope="module")
def natural():
    return sample(6000, seed=5, mode="natural")


def test_a_stream_is_the_same_from_any_start_and_in_any_length():
    whole = uniforms(7, "smile", 100)
    for start in (0, 1, 2, 3, 4, 5, 50, 97):
        assert (uniforms(7, "smile", 100 - start, start) == whole[start:]).all()
    assert (uniforms(7, "who", 10, 30, width=3) == uniforms(7, "who", 40, width=3)[30:]).all()


def test_streams_of_other_names_and_seeds_are_unrelated():
    a, b, c = uniforms(1, "smile", 4000), uniforms(1, "yaw", 4000), uniforms(2, "smile", 4000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05
    assert abs(np.corrcoef(a, c)[0, 1]) < 0.05
    assert stats.kstest(a, "uniform").pvalue > 0.001


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "a", True])
def test_a_seed_that_cannot_be_one_is_refused(seed):
    with pytest.raises(InputError, match="seed is a whole number"):
        uniforms(seed, "smile", 1)


def test_person_i_is_the_same_however_many_there_are_and_wherever_one_starts():
    whole = sample(90, seed=3, mode="natural", camera="varied")
    assert sample(40, seed=3, mode="natural", camera="varied").equals(whole.iloc[:40])
    later = sample(20, seed=3, mode="natural", camera="varied", start=61)
    assert later.equals(whole.iloc[61:81].reset_index(drop=True))
    assert later["person_id"].iloc[0] == "p3-000061"


def test_quota_counts_are_exact_where_whole_people_allow():
    counts = sample(60, composition={"ethnicity": {"african": 1, "asian": 1, "caucasian": 8}})
    by = counts.groupby("ethnicity").size()
    assert by.to_dict() == {"african": 6, "asian": 6, "caucasian": 48}
    assert counts["gender"].value_counts().to_dict() == {"female": 30, "male": 30}
    assert counts["age_group"].value_counts().between(10, 14).all()
    assert (sample(300).groupby(["ethnicity", "gender", "age_group"]).size() == 10).all()


def test_quota_labels_of_the_first_people_stay_when_more_are_asked_for():
    shares = cell_shares({"ethnicity": {"african": 0.05, "asian": 0.15, "caucasian": 0.8}})
    for n in (1, 7, 64):
        assert (assign(n, shares, seed=0) == assign(500, shares, seed=0)[:n]).all()


def test_webster_seats_follow_the_textbook_example():
    # Balinski & Young: divisors .5, 1.5, 2.5, …; shares .5, .3, .2 and 10 seats → 5, 3, 2
    shares = pd.Series([0.5, 0.3, 0.2])
    assert np.bincount(assign(10, shares, seed=0)).tolist() == [5, 3, 2]
    # the first five turns: .5/.5 = 1 (a), .5/.3 = 1.67 (b), .5/.2 = 2.5 (c), 1.5/.5 = 3 (a), then 5 (a before b)
    assert assign(5, shares, seed=0).tolist() == [0, 1, 2, 0, 0]


def test_multinomial_counts_scatter_about_the_shares():
    shares = cell_shares({"ethnicity": {"african": 0.1, "asian": 0.2, "caucasian": 0.7}})
    ethnicity = shares.index.get_level_values("ethnicity")[assign(9000, shares, seed=1, how="multinomial")]
    counts = pd.Series(ethnicity).value_counts()[list(ETHNICITY)]
    assert counts.to_list() != [900, 1800, 6300]
    assert stats.chisquare(counts, [900, 1800, 6300]).pvalue > 0.001


def test_a_group_with_share_zero_has_nobody():
    people = sample(100, composition={"ethnicity": {"african": 1}}, assignment="multinomial")
    assert set(people["ethnicity"]) == {"african"}
    people = sample(10, composition={"cells": {"asian/male/60-69": 2}})
    assert set(people["age_group"]) == {"60-69"}
    assert people["age"].between(60, 69).all()


@pytest.mark.parametrize(
    ("composition", "named"),
    [
        ({"ethnicity": {"martian": 1}}, "martian"),
        ({"colour": {"red": 1}}, "colour"),
        ({"gender": {"female": -1, "male": 2}}, "at least 0"),
        ({"age_group": {"18-29": 0}}, "not all 0"),
        ({"cells": {"asian/male": 1}}, "asian/male"),
    ],
)
def test_a_composition_that_cannot_be_names_what_is_wrong(composition, named):
    with pytest.raises(InputError, match=named):
        sample(10, composition=composition)


def test_in_mode_independent_nothing_but_ancestry_goes_with_ethnicity(independent):
    apart = {*ETHNICITY, "stream"}
    groups = [part for _, part in independent.groupby("ethnicity")]
    for name in (n for n in RENDERED if n not in apart):
        values = independent[name]
        if values.dtype.kind in "if":
            if values.nunique() > 1:
                # 137 columns: Bonferroni keeps the false alarms of the whole test under 1 %
                assert stats.kruskal(*(g[name] for g in groups)).pvalue > 0.01 / 140, name
        elif values.nunique() > 1:
            table = pd.crosstab(independent["ethnicity"], values)
            assert stats.chi2_contingency(table).pvalue > 0.01 / 140, name
    for name in ETHNICITY:
        own = independent.loc[independent["ethnicity"] == name, name]
        assert own.mean() > 0.8


def test_in_mode_natural_tone_goes_with_ancestry_and_the_groups_overlap(natural):
    tone = {g: part["melanin"] for g, part in natural.groupby("ethnicity")}
    assert tone["african"].median() > tone["asian"].median() > tone["caucasian"].median()
    # more than 2 in 100 of the darker two groups are lighter than the lighter groups' darkest tenth
    assert (tone["african"] < tone["asian"].quantile(0.9)).mean() > 0.02
    assert (tone["asian"] < tone["caucasian"].median()).mean() > 0.05
    inside = natural[natural["ethnicity"] == "asian"]
    assert stats.spearmanr(inside["african"], inside["melanin"]).statistic > 0.2


def test_tone_can_be_drawn_apart_from_ancestry_in_natural_people(natural, independent):
    people = sample(6000, seed=5, mode="natural", tone="independent")
    assert people["melanin"].equals(independent["melanin"])
    assert people["eye_melanin"].equals(natural["eye_melanin"])


def test_wrinkles_and_grey_hair_rise_with_age_in_both_modes(independent, natural):
    for people in (independent, natural):
        by_age = people.groupby("age_group")[["wrinkles", "hair_grey"]].mean()
        assert by_age["wrinkles"].is_monotonic_increasing
        assert by_age["hair_grey"].is_monotonic_increasing


def test_every_parameter_stays_in_its_range(independent, natural):
    for people in (independent, natural, sample(2000, camera="varied", photo_rule_breakers=0.5)):
        from judge.data.parametric.people.population import BY_NAME

        for name, parameter in BY_NAME.items():
            if parameter.choices:
                assert set(people[name]) <= set(parameter.choices), name
            else:
                assert people[name].between(parameter.low, parameter.high).all(), name
        assert np.allclose(people[list(ETHNICITY)].sum(axis=1), 1, atol=1e-9)
        assert people.filter(regex="^(local|asym)_").abs().max().max() <= 1


def test_people_keep_everything_but_the_camera_when_the_camera_changes():
    even, dim = sample(200, seed=2, camera="even"), sample(200, seed=2, camera="dim")
    changed = [name for name in RENDERED if not even[name].equals(dim[name])]
    assert set(changed) == {"exposure", "noise"}
    assert dim["exposure"].mean() < 0.4


def test_a_camera_a_group_reaches_that_group_alone():
    all_even = sample(300, seed=2, camera="even")
    one_dim = sample(300, seed=2, camera={"any": "even", "african": "dim"})
    dimmed = one_dim["exposure"] != all_even["exposure"]
    assert (dimmed == (one_dim["ethnicity"] == "african")).all()


def test_camera_distributions_can_be_set_one_by_one():
    people = sample(50, camera={"preset": "even", "exposure": {"uniform": [0.5, 0.6]}})
    assert people["exposure"].between(0.5, 0.6).all()
    assert people["jpeg_quality"].between(88, 95).all()
    with pytest.raises(InputError, match="camera"):
        sample(5, camera="moonlight")


def test_nobody_breaks_the_photo_rules_unless_asked():
    strict = sample(3000)
    assert (strict["glasses"] == "none").all() and (strict["makeup"] == 0).all()
    assert strict["beard"].max() < 0.3
    loose = sample(3000, photo_rule_breakers=0.2)
    assert abs((loose["glasses"] != "none").mean() - 0.2) < 0.03
    assert abs((loose.loc[loose["gender"] == "male", "beard"] > 0.3).mean() - 0.2) < 0.04


def test_a_distribution_by_ethnicity_is_refused_in_mode_independent():
    for setting in (
        {"african": 0.9, "any": 0.2},
        {"by_ancestry": {e: {"normal": [0.5, 0.1]} for e in ETHNICITY}},
        {"female": {"african/female": 1}},
    ):
        with pytest.raises(InputError, match="no distribution by ethnicity"):
            sample(5, population={"parameters": {"melanin": {"independent": setting}}})


def test_settings_are_merged_over_the_packaged_ones():
    settings = population_settings({"parameters": {"melanin": {"independent": {"uniform": [0.2, 0.3]}}}})
    assert settings["parameters"]["melanin"]["independent"] == {"uniform": [0.2, 0.3]}
    assert "natural" in settings["parameters"]["melanin"]
    assert (
        "beta" in population_settings()["parameters"]["melanin"]["independent"]
    )  # the file's own is untouched
    with pytest.raises(InputError, match="melanine"):
        population_settings({"parameters": {"melanine": {"both": 1}}})


@pytest.mark.parametrize(
    ("spec", "mean", "sd"),
    [
        ({"uniform": [0.2, 0.8]}, 0.5, 0.6 / np.sqrt(12)),
        ({"beta": [2, 2, 0, 1]}, 0.5, np.sqrt(0.05)),
        ({"chance": 0.25, "then": 1.0, "else": 0.0}, 0.25, np.sqrt(0.1875)),
        ({"integers": [0, 1]}, 0.5, 0.5),
        ({"normal": [0.0, 0.5]}, None, None),  # cut at 0: moments of the draws decide
        (0.4, 0.4, 0.0),
    ],
)
def test_moments_told_are_the_moments_drawn(spec, mean, sd):
    parameter = Parameter("x", 0.0, 0, 1)
    n = 20000
    people = pd.DataFrame({"ethnicity": ["asian"] * n, "gender": "male", "age_group": "18-29", "age": 20.0})
    u, v = (np.arange(n) + 0.5) / n, uniforms(0, "v", n)
    drawn = draw(spec, parameter, people, u, v)
    assert drawn.value.mean() == pytest.approx(drawn.mean[0], abs=0.01)
    assert drawn.value.std() == pytest.approx(drawn.sd[0], abs=0.01)
    if mean is not None:
        assert (drawn.mean[0], drawn.sd[0]) == (pytest.approx(mean), pytest.approx(sd))


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"normal": [0.5]}, "2 numbers"),
        ({"normal": [0.5, -1]}, "at least 0"),
        ({"uniform": [0, 3]}, "between 0 and 1"),
        ({"gaussian": [0, 1]}, "no group"),
        ({"uniform": [0, 1], "per_decade": 1}, "per_decade"),
        ({"female": 0.5}, "no distribution for"),
        ("dark", "neither a number"),
        (True, "neither a number"),
    ],
)
def test_a_distribution_that_cannot_be_names_the_parameter_and_the_fault(spec, named):
    with pytest.raises(InputError, match=named) as error:
        sample(10, population={"parameters": {"melanin": {"independent": spec}}})
    assert "melanin" in str(error.value)


def test_persons_read_back_from_csv_are_the_same_persons(tmp_path):
    people = sample(30, mode="natural", camera="varied")
    people.to_csv(tmp_path / "people.csv", index=False)
    again = pd.read_csv(tmp_path / "people.csv", keep_default_na=False)
    assert persons(again) == persons(people)


def test_nobody_at_all_is_an_empty_table_with_the_same_columns():
    assert list(sample(0).columns) == list(sample(1).columns)
    assert len(sample(0)) == 0
