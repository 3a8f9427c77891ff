"""Nearest neighbours by exact search, in blocks: memory does not grow with the number of faces compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError

#: Most distances that are held at a time (64 MiB).
BLOCK = 2**23


class Neighbours(NamedTuple):
    """The k nearest references of each query, nearest first."""

    distance: NDArray[np.float64]  # (n, k) Euclidean
    row: NDArray[np.int64]  # (n, k) of the references


def features_array(values: ArrayLike, name: str, *, views: bool = False) -> NDArray[np.float64]:
    """`values` as float64 (n, d), or where `views` also (n, views, d).

    Raises InputError for another shape, no row, no column or numbers that are not finite.
    """
    array = np.asarray(values)
    shapes = "(n, d) or (n, views, d)" if views else "(n, d)"
    if array.ndim not in ((2, 3) if views else (2,)) or not array.size:
        raise InputError(f"{name} has the shape {shapes} with at least one row, not {array.shape}")
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise InputError(f"{name} holds finite numbers only; of {array.dtype} some are not")
    return array.astype(np.float64, copy=False)


def squared_distances(
    queries: NDArray[np.float64], references: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Blocks (rows of the queries, their squared distances to all references).

    queries     (n, d), or (n, views, d): then the least over the views of a query
    references  (m, d)
    """
    views = queries.shape[1] if queries.ndim == 3 else 1
    middle = references.mean(axis=0)  # |x|² of centred features: less is lost in the difference of squares
    at = references - middle
    own = np.einsum("ij,ij->i", at, at)
    step = max(1, BLOCK // (len(references) * views))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        block = (queries[rows] - middle).reshape(-1, at.shape[1])
        square = block @ at.T
        square *= -2.0
        square += own
        square += np.einsum("ij,ij->i", block, block)[:, None]
        np.maximum(square, 0.0, out=square)
        if views > 1:
            square = square.reshape(-1, views, len(references)).min(axis=1)
        yield rows, square


def nearest(
    queries: NDArray[np.float64],
    references: NDArray[np.float64],
    k: int,
    *,
    itself: NDArray[np.int64] | None = None,
) -> Neighbours:
    """The k nearest references of each query.

    Parameters
    ----------
    queries : (n, d) or (n, views, d) array
        With views, a query is as near as its nearest view.
    references : (m, d) array
    k : int
        1 to m, with `itself` to m − 1.
    itself : (n,) array of int, optional
        The row of each query among the references, which is no neighbour of its own.

    Returns
    -------
    Neighbours
        Distances and rows, nearest first. Distances carry a rounding error of about 1e-8 of the features' norm, so
        the same features may be that far apart.

    Raises
    ------
    InputError
        If there are fewer references than k asks for.
    """
    most = len(references) - (itself is not None)
    if not 1 <= k <= most:
        raise InputError(f"k={k} neighbours are asked for, of {most} there are 1 to {most}")
    distance = np.empty((len(queries), k))
    index = np.empty((len(queries), k), dtype=np.int64)
    for rows, square in squared_distances(queries, references):
        if itself is not None:
            square[np.arange(len(square)), itself[rows]] = np.inf
        found = np.argpartition(square, k - 1, axis=1)[:, :k] if k < square.shape[1] else None
        if found is None:
            found = np.broadcast_to(np.arange(k), (len(square), k))
        near = np.take_along_axis(square, found, axis=1)
        order = np.argsort(near, axis=1, kind="stable")
        distance[rows] = np.sqrt(np.take_along_axis(near, order, axis=1))
        index[rows] = np.take_along_axis(found, order, axis=1)
    return Neighbours(distance, index)
