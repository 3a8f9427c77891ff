"""Truth is what truth.py says, and it is blind."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.data.parametric.people.population import sample
from judge.data.parametric.people.truth import COMPONENTS, TASTE, VARIANCE_SHARES, truth
from judge.errors import InputError

N = 20_000


@pytest.fixture(scope="module", params=["independent", "natural"])
def many(request):
    people = sample(N, seed=12, mode=request.param, assignment="quota")
    return people.join(truth(people, mode=request.param)), request.param


def test_truth_differs_by_no_ethnicity_in_either_mode(many):
    people, _ = many
    groups = [part["truth"].to_numpy() for _, part in people.groupby("ethnicity")]
    assert [len(g) for g in groups] == [6667, 6667, 6666]
    total = people["truth"].var() * (N - 1)
    between = sum(len(g) * (g.mean() - people["truth"].mean()) ** 2 for g in groups)
    # the correlation ratio η: .01 is expected of blind truth, .03 has a chance of 1 in 8,000
    assert np.sqrt(between / total) < 0.03
    for i, a in enumerate(groups):
        for b in groups[i + 1 :]:
            cohen = abs(a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
            assert cohen < 3.5 * np.sqrt(2 / len(a))
    assert stats.f_oneway(*groups).pvalue > 0.01
    assert stats.levene(*groups).pvalue > 0.01  # nor does it scatter more in one: winners come from the tails


def test_truth_goes_with_no_tone_in_either_mode_overall_and_within_ethnicity(many):
    people, _ = many
    assert abs(np.corrcoef(people["truth"], people["melanin"])[0, 1]) < 0.03
    assert abs(stats.spearmanr(people["truth"], people["melanin"]).statistic) < 0.03
    for _, part in people.groupby("ethnicity"):
        assert abs(stats.spearmanr(part["truth"], part["melanin"]).statistic) < 0.04  # three standard errors
    third = pd.qcut(people["melanin"], 3, labels=False)
    means = people.groupby(third)["truth"].mean()
    assert means.max() - means.min() < 2.5 * np.sqrt(2 / (N / 3))


def test_truth_differs_by_no_gender_or_age_group(many):
    people, _ = many
    for label in ("gender", "age_group"):
        groups = [part["truth"] for _, part in people.groupby(label)]
        assert stats.f_oneway(*groups).pvalue > 0.001, label


def test_truth_and_each_component_have_mean_zero_and_variance_one(many):
    people, _ = many
    for name in ("truth", *(f"truth_{c}" for c in COMPONENTS)):
        assert abs(people[name].mean()) < 0.03, name
        assert abs(people[name].std() - 1) < 0.05, name


def test_components_have_the_shares_of_variance_that_were_set(many):
    people, _ = many
    assert sum(VARIANCE_SHARES.values()) == pytest.approx(1)
    for name, share in VARIANCE_SHARES.items():
        part = people[f"truth_{name}"]
        assert np.corrcoef(part, people["truth"])[0, 1] ** 2 == pytest.approx(share, abs=0.03), name


def test_truth_reads_no_tone_no_ethnicity_weights_no_hair_no_camera():
    people = sample(60, seed=4, mode="natural")
    other = people.assign(
        melanin=0.9, african=0.0, asian=0.0, caucasian=1.0, hair_style="long", hair_texture="coiled", hair_grey=1.0,
        hair_melanin=0.1, eye_melanin=0.1, freckles=1.0, exposure=0.2, light_azimuth=60.0, haemoglobin=1.0,
        masculinity=0.5, glasses="thick", beard=1.0, makeup=1.0, yaw=30.0,
    )  # fmt: skip
    assert truth(people, mode="natural").equals(truth(other, mode="natural"))


@pytest.mark.parametrize(
    ("change", "component"),
    [({"asymmetry": 0.9}, "symmetry"), ({"blemishes": 100}, "blemishes"), ({"wrinkles": 0.95}, "wrinkles")],
)
def test_more_of_a_flaw_lowers_its_component_and_no_other(change, component):
    name, value = next(iter(change.items()))
    people = sample(40, seed=4)
    people = people[people[name] < value]
    before, after = truth(people), truth(people.assign(**change))
    assert (after[f"truth_{component}"] < before[f"truth_{component}"]).all()
    for other in set(COMPONENTS) - {component}:
        assert (after[f"truth_{other}"] == before[f"truth_{other}"]).all()
    assert (after["truth"] < before["truth"]).all()


def test_the_same_wrinkles_count_for_more_at_twenty_than_at_sixty():
    people = sample(60, seed=4).assign(wrinkles=0.5)
    known = truth(people)["truth_wrinkles"]
    assert known[people["age_group"] == "18-29"].max() < known[people["age_group"] == "60-69"].min()


def test_a_face_at_the_mean_of_its_group_is_the_most_average():
    people = sample(20, seed=4)
    shape = people.filter(like="local_").columns
    average = truth(people.assign(**dict.fromkeys(shape, 0.0)))["truth_averageness"]
    assert (average > truth(people)["truth_averageness"]).all()


def test_a_group_set_to_have_more_blemishes_is_not_thought_less_of():
    blemishes = {"natural": {"any": {"beta": [1, 3, 0, 60]}, "asian": {"beta": [3, 1, 0, 120]}}}
    population = {"parameters": {"blemishes": blemishes}}
    people = sample(9000, seed=6, mode="natural", population=population)
    known = truth(people, mode="natural", population=population)
    by = known["truth_blemishes"].groupby(people["ethnicity"]).agg(["mean", "std"])
    assert people.groupby("ethnicity")["blemishes"].mean()["asian"] > 80
    assert (by["mean"].abs() < 0.06).all() and ((by["std"] - 1).abs() < 0.06).all()


def test_taste_is_linear_in_visible_features():
    person = sample(1, seed=4)
    for name in TASTE:
        low, mid, high = (
            truth(person.assign(**{name: person[name] * 0 + v}))["truth_taste"].item()
            for v in (0.2, 0.4, 0.6)
        )
        assert high - mid == pytest.approx(mid - low)
        assert np.sign(high - low) == np.sign(TASTE[name])


def test_shares_can_be_set_and_wrong_ones_are_refused():
    people = sample(50, seed=4)
    only = truth(people, shares={"symmetry": 1})
    assert np.allclose(only["truth"], only["truth_symmetry"])
    with pytest.raises(InputError, match="beauty"):
        truth(people, shares={"beauty": 1})
