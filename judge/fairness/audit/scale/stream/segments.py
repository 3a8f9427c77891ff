"""Sums over stretches of equal codes, and moments that are put together from parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Segments:
    """Stretches of equal codes in an array: first row, code and length of each."""

    def __init__(self, code: NDArray) -> None:
        new = np.ones(len(code), bool)
        new[1:] = code[1:] != code[:-1]
        self.first = np.flatnonzero(new)
        self.code = code[self.first]
        self.length = np.diff(np.append(self.first, len(code)))

    def sums(self, values: NDArray) -> NDArray:
        """The sum over each stretch."""
        return np.add.reduceat(values, self.first) if len(self.first) else values[:0]

    def spread(self, values: NDArray) -> NDArray:
        """A value of each stretch for every row of it."""
        return np.repeat(values, self.length)

    def before(self, values: NDArray[np.int64], carried: NDArray[np.int64]) -> NDArray[np.int64]:
        """For every row the sum over the rows of its stretch before it, and what was carried into the stretch."""
        total = np.cumsum(values) - values
        return total + self.spread(carried - total[self.first])


class Moments:
    """Number, mean and sum of squared deviations of many cells, filled part by part (Chan, Golub & LeVeque 1983)."""

    def __init__(self, size: int) -> None:
        self.n, self.mean, self.squares = np.zeros(size), np.zeros(size), np.zeros(size)

    def add(self, cell: NDArray, n: NDArray, mean: NDArray, squares: NDArray) -> None:
        """To each of the cells, none named twice, a part of n people with this mean and sum of squares."""
        some = n > 0
        cell, n, mean, squares = cell[some], n[some], mean[some], squares[some]
        before, gap = self.n[cell], mean - self.mean[cell]
        total = before + n
        self.mean[cell] += gap * n / total
        self.squares[cell] += squares + gap * gap * before * n / total
        self.n[cell] = total

    def add_stretches(
        self, stretches: Segments, weights: tuple[NDArray, ...], values: tuple[NDArray, ...]
    ) -> None:
        """The same for the rows of stretches, each with several values and as many people with each."""
        n = np.sum([stretches.sums(w) for w in weights], axis=0).astype(float)
        total = np.sum([stretches.sums(w * v) for w, v in zip(weights, values, strict=True)], axis=0)
        mean = total / np.maximum(n, 1)
        at = stretches.spread(mean)
        squares = np.sum(
            [stretches.sums(w * (v - at) ** 2) for w, v in zip(weights, values, strict=True)], axis=0
        )
        self.add(stretches.code, n, mean, squares)


def sorted_by(code: NDArray, size: int) -> NDArray[np.int64]:
    """Rows in order of their codes, which are below `size`; rows of one code stay in order."""
    return np.argsort(code.astype(np.uint16) if size <= 1 << 16 else code, kind="stable")


def cubes(sizes: NDArray) -> NDArray[np.float64]:
    """t³ − t."""
    t = sizes.astype(float)
    return t**3 - t
