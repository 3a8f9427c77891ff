"""The audit out of core: tables larger than memory, counted by DuckDB and never held.

Parquet files (one, a folder, a glob) are grouped by all columns that are counted, so what is held is a row for each
combination that occurs, with its number of people (`cells`). Scores are sorted on disk, once each, and read from the
best down in pieces (`stream`): places and lots, ranks, divergence and moments are sums over that stream, equal to those
of people in memory up to rounding. What needs single people, such as the random subsets behind a small group's test,
collects those of the two sides, or a seeded sample of them where they are too many, and then says so. `StoredScores`
puts these together as rows of the audit.
"""

from judge.fairness.audit.scale.audit_files import audit_files
from judge.fairness.audit.scale.database import Limits
from judge.fairness.audit.scale.files import parquet_files
from judge.fairness.audit.scale.stored_scores import StoredScores

__all__ = ["Limits", "StoredScores", "audit_files", "parquet_files"]
