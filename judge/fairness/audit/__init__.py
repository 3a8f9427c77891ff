"""The audit of any table of entrants: who was selected, ranked and scored how, by group.

`audit` takes a data frame, one row a person, and gives a tidy table, one row a number, with exact tests within
brackets, intervals that survive zero counts and one primary contrast; `audit_entrants` and `skew_curves` do the same
for a table that `read_entrants` has read. `audit_beauty_ai_2016` is the audit of the published counts of 2016. Only
the columns that are needed are read, one at a time (`open_columns`), and numbers are written for programs and
spreadsheets alike (`write_numbers`).
"""

from judge.fairness.audit.columns.reading import column_names, open_columns
from judge.fairness.audit.curves import skew_curves
from judge.fairness.audit.entrants import Entrants, read_entrants
from judge.fairness.audit.one_contest import audit, audit_entrants
from judge.fairness.audit.published import audit_beauty_ai_2016, beauty_ai_2016, beauty_ai_2016_counts
from judge.fairness.audit.winners import selections
from judge.fairness.audit.writing import records_json, write_numbers

__all__ = [
    "Entrants",
    "audit",
    "audit_beauty_ai_2016",
    "audit_entrants",
    "beauty_ai_2016",
    "beauty_ai_2016_counts",
    "column_names",
    "open_columns",
    "read_entrants",
    "records_json",
    "selections",
    "skew_curves",
    "write_numbers",
]
