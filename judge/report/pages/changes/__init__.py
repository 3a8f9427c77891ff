"""The page of a sweep that changed one thing at a time: what moved one group's share of the winners, and what did not.

`page` puts it together, `sentences` writes the first screen from the table of changes, `words` says what settings and
conditions are called.
"""

from judge.report.pages.changes.page import Example, Found, write_changes_page
from judge.report.pages.changes.sentences import lead
from judge.report.pages.changes.words import Words, words_of

__all__ = ["Example", "Found", "Words", "lead", "words_of", "write_changes_page"]
