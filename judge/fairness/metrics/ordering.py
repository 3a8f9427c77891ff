"""Order of the entrants within brackets, and who wins; ties are broken by lot, never by row order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError


def order_within_brackets(
    score: ArrayLike, *, bracket: ArrayLike | None = None, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(people in order of bracket and then score, best first; rank from 1 within the bracket, in that order).

    score     (n,) finite, higher is better         bracket   (n,) integer codes ≥ 0

    A random permutation from `seed`, followed by stable sorts, gives tied people their places by lot.
    """
    score = np.asarray(score, float)
    if not np.isfinite(score).all():
        raise InputError(f"{int((~np.isfinite(score)).sum())} of {len(score)} scores are not finite")
    lot = np.random.default_rng(seed).permutation(len(score))
    order = lot[np.argsort(-score[lot], kind="stable")]
    if bracket is None:
        return order, np.arange(1, len(score) + 1)
    code = np.asarray(bracket)
    if code.max(initial=0) < 65_536:
        code = code.astype(np.uint16)  # numpy sorts 16-bit integers by radix, in linear time
    order = order[np.argsort(code[order], kind="stable")]
    size = np.bincount(code)
    start = np.repeat(np.cumsum(size) - size, size)
    return order, np.arange(len(score)) - start + 1


def winners_by_places(
    score: ArrayLike, *, places: int, bracket: ArrayLike | None = None, seed: int = 0
) -> NDArray[np.bool_]:
    """Who is among the best `places` of the bracket; everybody where it has no more people than that."""
    order, rank = order_within_brackets(score, bracket=bracket, seed=seed)
    return winners_by_rank(order, rank, places=places)


def winners_by_rank(order: NDArray[np.int64], rank: NDArray[np.int64], *, places: int) -> NDArray[np.bool_]:
    """`winners_by_places` from what `order_within_brackets` returns."""
    if places < 1:
        raise InputError(f"places is at least 1 (winners a bracket), not {places}")
    won = np.zeros(len(order), bool)
    won[order[rank <= places]] = True
    return won
