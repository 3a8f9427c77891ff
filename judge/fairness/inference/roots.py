"""Where functions cross 0: one, and many at once. `scipy.optimize` has both, too, and takes longer to import than the
counts of ten million people take.

Both are Chandrupatla's method: inverse quadratic interpolation where its points promise a good one, else bisection.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_EPS = np.finfo(float).eps
#: Steps after which bisection alone would have ended; none was seen to need a third of them.
_MOST_STEPS = 200


def root_between(f: Callable[[float], float], left: float, right: float, *, tolerance: float) -> float:
    """Where a continuous f that changes its sign between left and right is 0, to within the tolerance.

    Parameters
    ----------
    f : callable
        float → float.
    left, right : float
        Ends of the range.
    tolerance : float
        Above 0.

    Raises
    ------
    ValueError
        Where f has the same sign at both ends.

    References
    ----------
    Chandrupatla (1997), Advances in Engineering Software 28:145.

    Examples
    --------
    >>> round(root_between(lambda x: x**3 - 2, 0.0, 2.0, tolerance=1e-12), 9) == round(2 ** (1 / 3), 9)
    True
    """
    a, b = right, left
    fa, fb = f(a), f(b)
    if fa * fb > 0:
        raise ValueError(f"f has the same sign at {left} and {right}")
    c, fc = a, fa
    part = 0.5
    while True:
        x = a + part * (b - a)
        fx = f(x)
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = x, fx
        best, value = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        room = (tolerance / 2 + 2 * _EPS * abs(best)) / abs(b - a)
        if value == 0 or room > 0.5:
            return best
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        part = 0.5
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:
            part = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            part = min(max(part, room), 1 - room)


def rising_roots(
    rising: Callable[[NDArray], NDArray], left: NDArray, right: NDArray, *, tolerance: float
) -> NDArray[np.float64]:
    """`root_between` of many rising functions at once; the end of the range where one does not cross 0 within.

    Parameters
    ----------
    rising : callable
        (n,) → (n,): each function at its own point.
    left, right : (n,) float arrays
        Ends of the ranges.
    tolerance : float
        Above 0.

    Returns
    -------
    (n,) float array

    Examples
    --------
    >>> rising_roots(lambda x: x**3 - [2, 8, 99], np.zeros(3), np.full(3, 4.0), tolerance=1e-12).round(6).tolist()
    [1.259921, 2.0, 4.0]
    """
    a, b = np.array(right, float), np.array(left, float)
    if len(a) == 0:
        return a
    fa, fb = rising(a), rising(b)
    outside = np.where(fa <= 0, a, np.where(fb >= 0, b, np.nan))
    done = np.isfinite(outside)
    found = np.where(done, outside, 0.0)
    c, fc, part = a, fa, np.full(len(a), 0.5)
    for _ in range(_MOST_STEPS):
        if done.all():
            break
        x = a + part * (b - a)
        fx = rising(x)
        same = (fx > 0) == (fa > 0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        nearer = np.abs(fa) < np.abs(fb)
        best, value = np.where(nearer, a, b), np.where(nearer, fa, fb)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            room = (tolerance / 2 + 2 * _EPS * np.abs(best)) / np.abs(b - a)
            ends = ~done & ((value == 0) | (room > 0.5))
            found = np.where(ends, best, found)
            done |= ends
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            good = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            guess = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        part = np.where(good, np.clip(guess, room, 1 - room), 0.5)
    return np.where(done, found, a)
