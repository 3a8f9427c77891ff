"""One file a page, each with one function that writes it: of a run, of a sweep, of an audit, of a data set.

A page sets the order of its conditions, puts sections in a row, and says in its own words what they mean there.
"""

from judge.report.pages.audit import write_audit_report
from judge.report.pages.dataset import write_data_report
from judge.report.pages.run import write_run_report
from judge.report.pages.sweep import write_compare_report

__all__ = ["write_audit_report", "write_compare_report", "write_data_report", "write_run_report"]
