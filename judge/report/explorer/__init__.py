"""The explorer: one page, without a request, in which contests are filtered, brushed, followed and held again.

A `Field` is everybody who entered one contest under all its conditions, a `Held` the contest under one of them.
`write_explorer` makes the page of many fields; what it holds of large data is said in `payload`.
"""

from judge.report.explorer.field import Field, Held
from judge.report.explorer.page import write_explorer
from judge.report.explorer.payload import MOST_NUMBERS

__all__ = ["MOST_NUMBERS", "Field", "Held", "write_explorer"]
