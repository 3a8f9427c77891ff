"""Methods of the ranking seam: who gets the places, countable by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from judge.errors import InputError
from judge.mitigation.ranking import ConstrainedSort, ExposureConstrained, FairTopK, Quotas
from judge.mitigation.ranking.constrained_sort import det_const_sort
from judge.mitigation.ranking.exposure import decomposed, drawn, exposures, lottery
from judge.mitigation.ranking.fair_top_k import adjusted_alpha, adjusted_minima, failing, minima

METHODS = [Quotas(), ConstrainedSort(), FairTopK(), ExposureConstrained(), ExposureConstrained(tolerance=0.2)]


def ranked(method, groups, *, places, brackets="all", scores=None, seed=0):
    """Ranks of people who stand in order of merit in each bracket, unless their scores say otherwise."""
    people = pd.DataFrame({"g": list(groups)})
    people.index = people.index + 100  # no method may rely on an index from 0
    bracket = pd.Series(list(brackets) if brackets != "all" else "all", index=people.index)
    score = pd.Series(np.arange(len(people), 0, -1.0) if scores is None else scores, index=people.index)
    merit = score.groupby(bracket).rank(ascending=False, method="first").astype(int)
    return method(
        score,
        people,
        merit=merit,
        feature="g",
        brackets=bracket,
        places=places,
        rng=np.random.default_rng(seed),
    )


def winners(method, groups, places, **more):
    """Groups of the winners by rank."""
    ranks = ranked(method, groups, places=places, **more)
    return "".join(group for _, group in sorted(zip(ranks, groups, strict=True))[:places])


def random_people(rng, n, groups):
    return "".join(rng.choice(list("abcdefg"[:groups]), n, p=rng.dirichlet(np.full(groups, 2.0))))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_ranks_are_complete_and_follow_merit_within_groups_and_behind_the_places(method):
    rng = np.random.default_rng(0)
    for _ in range(30):
        n, places = int(rng.integers(1, 60)), int(rng.integers(1, 12))
        people = pd.DataFrame({"g": list(random_people(rng, n, 4)), "b": rng.choice(["x", "y", "z"], n)})
        score = pd.Series(rng.normal(size=n))
        merit = score.groupby(people["b"]).rank(ascending=False).astype(int)
        ranks = method(score, people, merit=merit, feature="g", brackets=people["b"], places=places, rng=rng)
        assert ranks.index.equals(people.index)
        table = people.assign(rank=ranks, score=score)
        for _, bracket in table.groupby("b"):
            assert sorted(bracket["rank"]) == list(range(1, len(bracket) + 1))
            behind = bracket[bracket["rank"] > places].sort_values("rank")
            assert behind["score"].is_monotonic_decreasing
            for _, group in bracket[bracket["rank"] <= places].groupby("g"):
                assert group.sort_values("rank")["score"].is_monotonic_decreasing


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_a_bracket_of_one_group_or_of_one_person_is_ranked_by_merit(method):
    assert ranked(method, "aaaab", places=3, brackets="xxxxy").tolist() == [1, 2, 3, 4, 1]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_everybody_wins_where_there_are_fewer_people_than_places(method):
    assert sorted(ranked(method, "aab", places=5)) == [1, 2, 3]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_who_has_no_group_is_refused(method):
    with pytest.raises(InputError, match=r"1 of 3 people have no g; give them a group of their own"):
        ranked(method, ["a", None, "b"], places=2)
    with pytest.raises(InputError, match="have no g"):
        method.check(pd.DataFrame({"g": ["a", None]}), feature="g")


# quotas


def test_places_are_split_as_people_entered_by_largest_remainders():
    # 6 a, 3 b, 1 c and four places: 2.4, 1.2 and .4, and c's best is better than a's third
    assert winners(Quotas(), "aacaaaabbb", 4) == "aacb"
    assert winners(Quotas(), "aaacaaabbb", 4) == "aaab"


def test_places_are_split_by_given_shares_and_winners_stand_by_merit():
    people = "ababaaaabb"
    assert winners(Quotas(shares={"a": 0.4, "b": 0.6}), people, 5) == "ababb"
    assert ranked(Quotas(shares={"a": 0.4, "b": 0.6}), people, places=5).tolist() == [
        1, 2, 3, 4, 6, 7, 8, 9, 5, 10,
    ]  # fmt: skip


def test_what_a_group_cannot_fill_goes_to_the_best_of_the_others():
    shares = {"a": 0.2, "b": 0.2, "c": 0.6}
    assert winners(Quotas(shares=shares), "aabba", 5) == "aabba"  # everybody wins
    assert winners(Quotas(shares=shares), "aaabbbc", 5) == "aaabc"  # two places of c's three, by merit


def test_shares_that_cannot_be_meant_are_refused():
    for shares in ({"a": 0.5}, {"a": 1.5, "b": -0.5}, {}, {"a": "half", "b": 0.5}):
        for method in (Quotas, ConstrainedSort):
            with pytest.raises(
                InputError, match="shares are one number of at least 0 a group, with the sum 1"
            ):
                method(shares=shares)
    for method in (Quotas(shares={"a": 1.0}), ConstrainedSort(shares={"a": 1.0})):
        with pytest.raises(InputError, match="shares does not name 'b', of whom somebody enters"):
            ranked(method, "ab", places=1)
        with pytest.raises(InputError, match="shares does not name 'b'"):
            method.check(pd.DataFrame({"g": ["a", "b"]}), feature="g")


# DetConstSort


def test_every_beginning_has_its_share_of_each_group():
    # of two equal groups one each in the first two, the first four, …, within which merit decides
    assert winners(ConstrainedSort(), "aaaabbbb", 6) == "ababab"


def test_a_better_person_passes_whoever_is_not_needed_so_early():
    # b (a third) is needed by place 3 only: two a's go before
    assert winners(ConstrainedSort(shares={"a": 2 / 3, "b": 1 / 3}), "aaaabb", 3) == "aab"


def test_a_share_that_float_arithmetic_puts_below_a_whole_number_counts_in_full():
    assert np.floor(100 * 0.29) == 28
    people = np.array(["a"] * 100 + ["b"] * 100, object)
    assert (people[det_const_sort(people, {"a": 0.71, "b": 0.29}, 100)] == "b").sum() == 29


def test_the_minima_hold_for_any_number_of_groups_and_the_maxima_need_not():
    rng = np.random.default_rng(0)
    above = 0
    for groups in (2, 4, 7):
        for _ in range(40):
            people = np.array(list(random_people(rng, 80, groups)), object)
            shares = {name: float((people == name).mean()) for name in set(people)}
            order = people[det_const_sort(people, shares, 20)]
            k = np.arange(1, 21)
            for name, share in shares.items():
                count = np.cumsum(order == name)
                assert (count >= np.floor(np.round(k * share, 9))).all()
                above += (count > np.ceil(np.round(k * share, 9))).any()
    assert above > 0


def test_a_group_without_a_share_comes_behind_and_a_group_that_is_used_up_ends_nothing():
    shares = {"a": 0.5, "b": 0.5, "c": 0.0}
    assert winners(ConstrainedSort(shares=shares), "caab", 4) == "abac"
    assert winners(ConstrainedSort(shares=shares), "ccc", 2) == "cc"


# FA*IR


def test_the_minima_are_quantiles_of_a_binomial_distribution():
    # P(nobody of i) at .5: .5 .25 .125 .0625; P(at most one of 6) is 7/64, of 7 it is 1/16
    assert minima(7, 0.5, 0.1).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert minima(1, 0.9, 0.1).tolist() == [0]  # exactly α: 1 − .9 is a little less in float arithmetic


def test_the_probability_to_fail_is_that_of_enumeration():
    table, share = np.array([0, 1, 1, 2]), 0.4
    total = 0.0
    for bits in range(16):
        drawn_so = np.array([(bits >> i) & 1 for i in range(4)])
        if (np.cumsum(drawn_so) < table).any():
            total += np.prod(np.where(drawn_so, share, 1 - share))
    assert failing(table, share) == pytest.approx(total)


def test_no_other_level_fails_with_a_probability_nearer_to_alpha():
    for k, share, alpha in ((5, 0.3, 0.1), (12, 0.5, 0.1), (25, 0.15, 0.05)):
        found = adjusted_alpha(k, share, alpha)
        assert 0 < found <= alpha
        own = abs(failing(adjusted_minima(k, share, alpha), share) - alpha)
        others = [
            abs(failing(minima(k, share, level), share) - alpha) for level in np.linspace(1e-6, alpha, 400)
        ]
        assert own <= min(others) + 1e-12


def test_protected_people_are_taken_where_the_table_asks_for_them():
    method = FairTopK(protected=["b"], share=0.5, adjust=False)
    assert minima(7, 0.5, 0.1).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert winners(method, "aaaaaaabbb", 7) == "aaabaab"
    assert winners(method, "aaaaaaa" + "b", 7) == "aaabaaa"  # there is but one


def test_all_but_the_largest_group_are_protected_together_by_default():
    people = "aaaaaaa" + "bcb"
    assert winners(FairTopK(share=0.5, adjust=False), people, 7) == "aaabaac"


def test_settings_of_fa_ir_are_checked():
    for wrong, words in (
        ({"protected": "b"}, "protected is a list"),
        ({"protected": []}, "protected is a list"),
        ({"share": 1}, "share lies between 0 and 1"),
        ({"alpha": 0}, "alpha is above 0"),
    ):
        with pytest.raises(InputError, match=words):
            FairTopK(**wrong)
    with pytest.raises(InputError, match="protected names 'z', of whom nobody enters; groups: 'a', 'b'"):
        FairTopK(protected=["b", "z"]).check(pd.DataFrame({"g": ["a", "b"]}), feature="g")


# exposure


def parts(chance, codes, places):
    look = exposures(places)
    return np.bincount(codes, chance.toarray() @ look) / look.sum()


def test_expected_exposure_is_what_is_due_and_the_score_no_less_than_that_of_chance():
    rng = np.random.default_rng(0)
    for _ in range(15):
        n, places = int(rng.integers(6, 60)), int(rng.integers(1, 7))
        codes = np.unique(list(random_people(rng, n, 3)), return_inverse=True)[1]
        values = np.sort(rng.normal(size=n))[::-1]
        due = np.bincount(codes) / n
        chance = lottery(values, codes, due, places)
        assert chance.sum(axis=0) == pytest.approx(np.ones(places), abs=1e-6)
        assert chance.sum(axis=1).max() <= 1 + 1e-6
        assert parts(chance, codes, places) == pytest.approx(due, abs=1e-6)
        # a ranking drawn at random has the same exposure, and everybody's mean score
        assert values @ (chance @ exposures(places)) >= values.mean() * exposures(places).sum() - 1e-6
        loose = lottery(values, codes, due, places, tolerance=0.1)
        assert (np.abs(parts(loose, codes, places) / due - 1) <= 0.1 + 1e-6).all()


def test_the_whole_programme_finds_nothing_better_than_the_one_over_the_best_of_each_group():
    from scipy.optimize import linprog

    rng = np.random.default_rng(1)
    values, codes, places = np.sort(rng.normal(size=12))[::-1], np.array([0, 0, 1] * 4), 3
    look = exposures(places)
    due = np.bincount(codes) / 12
    own = values @ (lottery(values, codes, due, places) @ look)
    n = len(values)
    person, place = np.divmod(np.arange(n * places), places)
    whole = linprog(
        -(values[person] * look[place]),
        A_eq=np.vstack(
            [*(1.0 * (place == j) for j in range(places)), look[place] * (codes[person] == 0) / look.sum()]
        ),
        b_eq=[*np.ones(places), due[0]],
        A_ub=np.vstack([1.0 * (person == i) for i in range(n)]),
        b_ub=np.ones(n),
    )
    assert own == pytest.approx(-whole.fun, abs=1e-6)


def test_rankings_are_drawn_with_the_probabilities_of_the_lottery():
    rng = np.random.default_rng(2)
    for _ in range(15):
        n, places = int(rng.integers(4, 40)), int(rng.integers(1, 8))
        codes = np.unique(list(random_people(rng, n, 3)), return_inverse=True)[1]
        chance = lottery(np.sort(rng.normal(size=n))[::-1], codes, np.bincount(codes) / n, places)
        rankings = decomposed(chance)
        assert sum(weight for weight, _ in rankings) == pytest.approx(1, abs=1e-5)
        total = np.zeros(chance.shape)
        for weight, who in rankings:
            assert len(set(who.tolist())) == chance.shape[1]
            total[who, np.arange(len(who))] += weight
        assert total == pytest.approx(chance.toarray(), abs=1e-5)


def test_the_lot_chooses_the_ranking():
    chance = csr_array([[0.75, 0.0], [0.25, 0.5], [0.0, 0.5]])
    lots = [tuple(drawn(chance, lot)) for lot in (0.0, 0.49, 0.51, 0.74, 0.76, 0.999999)]
    assert [a == b for a, b in zip(lots[::2], lots[1::2], strict=True)] == [True, True, True]
    assert set(lots) == {(0, 1), (0, 2), (1, 2)}


def test_on_average_over_seeds_each_group_has_its_exposure():
    people, look = "aaaaaabbb", exposures(3)
    total = np.zeros(2)
    for seed in range(200):
        ranks = ranked(ExposureConstrained(), people, places=3, seed=seed).to_numpy()
        first = ranks <= 3
        np.add.at(total, (np.array(list(people))[first] == "b").astype(int), look[ranks[first] - 1])
    assert total[1] / total.sum() == pytest.approx(1 / 3, abs=0.04)
    assert winners(ExposureConstrained(), people, 3) == winners(ExposureConstrained(), people, 3)


def test_exposure_may_be_due_in_proportion_to_merit_with_a_zero_that_is_said():
    # a 4, b 2 a head: of the exposure of the one place two thirds are due to a, if 0 is no merit
    method = ExposureConstrained(due="merit")
    won = [winners(method, "ab", 1, scores=[4.0, 2.0], seed=seed) for seed in range(200)]
    assert won.count("a") / 200 == pytest.approx(2 / 3, abs=0.08)
    sure = ExposureConstrained(due="merit", zero=2.0)
    with pytest.raises(InputError, match="mean score of 'b' in a bracket is 2, not above zero=2"):
        winners(sure, "ab", 1, scores=[4.0, 2.0])


def test_exposure_that_no_lottery_gives_is_refused_with_the_numbers():
    # b has one person, who can have no more than the first place (.47 of the exposure), and half of the merit
    method = ExposureConstrained(due="merit")
    with pytest.raises(InputError, match=r"no lottery gives the groups of a bracket of 4 people.*'b': 0.5"):
        winners(method, "baaa", 3, scores=[3.0, 1.0, 1.0, 1.0])
    assert winners(
        ExposureConstrained(due="merit", tolerance=0.1), "baaa", 3, scores=[3.0, 1.0, 1.0, 1.0]
    ).startswith("b")


def test_settings_of_exposure_are_checked():
    with pytest.raises(InputError, match="due is share or merit; given 'equal'"):
        ExposureConstrained(due="equal")
    with pytest.raises(InputError, match="tolerance is at least 0 and below 1; given 1"):
        ExposureConstrained(tolerance=1)


def test_a_large_bracket_takes_about_a_second():
    import time

    rng = np.random.default_rng(3)
    people = random_people(rng, 900, 3)
    started = time.process_time()
    ranked(ExposureConstrained(), people, places=50)
    assert time.process_time() - started < 5
