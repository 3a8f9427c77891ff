"""Winners by lot: every number is what all lots give on average."""

import itertools

import numpy as np
import pytest

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import (
    permutation,
    permutation_test,
    stratified_exact,
    stratified_test,
    wallenius_odds,
)
from judge.fairness.lots import Lots


def every_lot(certain, tied, drawn):
    """Winners by group (one bracket) of each equally likely set of the tied who are drawn."""
    people = np.repeat(np.arange(len(tied)), tied)
    for chosen in itertools.combinations(range(len(people)), drawn):
        yield np.asarray(certain) + np.bincount(people[list(chosen)], minlength=len(tied))


ENTRANTS, CERTAIN, TIED, DRAWN = [12, 20, 9], [2, 1, 0], [3, 2, 2], 3
GROUPS = ("a", "b", "c")


@pytest.fixture
def counts():
    return Counts.with_lots([ENTRANTS], Lots([CERTAIN], [TIED], [DRAWN]), GROUPS)


def test_expected_winners_are_the_average_over_every_lot(counts):
    lots = list(every_lot(CERTAIN, TIED, DRAWN))
    np.testing.assert_allclose(counts.winners[0], np.mean(lots, axis=0))
    assert counts.decided.tolist() == [6] and counts.lots.by_lot == 3


@pytest.mark.parametrize("reference", [None, "b"])
@pytest.mark.parametrize("alternative", ["two-sided", "less"])
def test_p_is_the_mean_of_the_p_values_of_every_lot(counts, reference, alternative):
    p = [
        stratified_exact(Counts([ENTRANTS], [won], GROUPS), "a", reference=reference, alternative=alternative)
        for won in every_lot(CERTAIN, TIED, DRAWN)
    ]
    test = stratified_test(counts, "a", reference=reference, alternative=alternative)
    assert test.p == pytest.approx(np.mean(p))
    assert min(p) - 1e-12 <= test.low <= test.p <= test.high <= max(p) + 1e-12


def test_two_brackets_with_lots_are_averaged_together():
    lots = Lots([[1, 0], [0, 1]], [[2, 2], [1, 3]], [2, 1])
    entrants = [[5, 9], [6, 8]]
    counts = Counts.with_lots(entrants, lots, ("a", "b"), ("x", "y"))
    p = [
        stratified_exact(Counts(entrants, [first, second], ("a", "b"), ("x", "y")), "a")
        for first in every_lot([1, 0], [2, 2], 2)
        for second in every_lot([0, 1], [1, 3], 1)
    ]
    assert stratified_exact(counts, "a") == pytest.approx(np.mean(p))


def test_many_brackets_with_a_third_group_are_drawn_and_come_close():
    rng = np.random.default_rng(1)
    lots = Lots(rng.integers(0, 3, (8, 3)), np.full((8, 3), 4), np.full(8, 5))
    counts = Counts.with_lots(np.full((8, 3), 30), lots, GROUPS, tuple("abcdefgh"))
    simulated = []
    for _ in range(400):
        won = lots.certain + np.array([rng.multivariate_hypergeometric(t, 5) for t in lots.tied])
        simulated.append(
            stratified_exact(Counts(counts.entrants, won, GROUPS, counts.brackets), "a", reference="b")
        )
    error = np.std(simulated) / 20
    assert stratified_exact(counts, "a", reference="b") == pytest.approx(np.mean(simulated), abs=4 * error)


def test_the_permutation_test_averages_over_lots(counts):
    known = {}
    for won in every_lot(CERTAIN, TIED, DRAWN):
        key = tuple(won)
        if key not in known:
            known[key] = permutation(Counts([ENTRANTS], [won], GROUPS), n_permutations=4000)
    every = [known[tuple(won)] for won in every_lot(CERTAIN, TIED, DRAWN)]
    test = permutation_test(counts, n_permutations=4000, rng=1)
    assert test.statistic == pytest.approx(np.mean([s for s, _ in every]), rel=0.05)
    assert test.p == pytest.approx(np.mean([p for _, p in every]), abs=0.03)
    assert test.low < test.p < test.high


def test_odds_lie_between_those_of_the_lots_and_their_interval_is_wider_than_one_lots(counts):
    single = [
        wallenius_odds(Counts([ENTRANTS], [won], GROUPS), "a") for won in every_lot(CERTAIN, TIED, DRAWN)
    ]
    odds = wallenius_odds(counts, "a")
    assert min(o.value for o in single) < odds.value < max(o.value for o in single)
    assert min(o.low for o in single) < odds.low < odds.value < odds.high < max(o.high for o in single)
    middle = sorted(single)[len(single) // 2]
    assert np.log(odds.high / odds.low) >= np.log(middle.high / middle.low) - 1e-9


def test_where_everybody_tied_wins_there_is_no_lot():
    counts = Counts.with_lots([[4, 4]], Lots([[1, 0]], [[1, 2]], [3]), ("a", "b"))
    assert counts.lots is None and counts.winners.tolist() == [[2, 2]]


def test_more_drawn_than_tie_is_refused():
    with pytest.raises(InputError, match="none and all"):
        Lots([[0, 0]], [[1, 1]], [3])
