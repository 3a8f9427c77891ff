"""The simulated contest: uneven brackets, rare groups, winners drawn person by person."""

from __future__ import annotations

import numpy as np

from judge.fairness.counts import Counts

GROUPS = ("dark", "rest", "white")


SIZES = np.array([1400, 900, 600, 300, 120, 60, 1200, 700, 350, 40])


SHARES = np.array(
    [[8, 17, 75], [5, 15, 80], [10, 20, 70], [12, 28, 60], [3, 17, 80],
     [20, 20, 60], [8, 12, 80], [6, 24, 70], [15, 15, 70], [10, 30, 60]]
) / 100  # fmt: skip


ENTRANTS = np.rint(SIZES[:, None] * SHARES).astype(int)


SIZES_DRAWN = ENTRANTS.sum(1)


BRACKETS = tuple(f"bracket {i}" for i in range(len(SIZES)))


PLACES = 5


def draw_winners(entrants: np.ndarray, odds: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, B, G) winners of n contests, person by person: everybody waits an exponential time, the first PLACES win.

    That race is Wallenius' process by definition, so it checks the formulas without using them. Only the PLACES
    shortest times of a group matter: spacings of m exponentials of rate ω are Exp(ω (m − i)) (Rényi 1953).
    """
    b, g = entrants.shape
    out = np.zeros((n, b, g), int)
    for i in range(b):
        times = np.full((n, g, PLACES), np.inf)
        for j in range(g):
            m = int(entrants[i, j])
            k = min(m, PLACES)
            rates = odds[j] * (m - np.arange(k))
            times[:, j, :k] = np.cumsum(rng.exponential(size=(n, k)) / rates, axis=1) if k else np.inf
        flat = times.reshape(n, -1)
        k = min(PLACES, int(entrants[i].sum()))
        first = np.argpartition(flat, k - 1, axis=1)[:, :k]
        for j in range(g):
            out[:, i, j] = (first // PLACES == j).sum(1)
    return out


def counts_of(winners: np.ndarray, entrants: np.ndarray = ENTRANTS) -> Counts:
    return Counts(entrants, winners, GROUPS, BRACKETS[: len(entrants)])
