"""Which skew the data give evidence for, how strong it is by stated rules, and which cures a comparison supports.

One file a kind of evidence (`shares`: representation and reference set, `ratings`, `camera`, `reading`), the rules that
all of them share (`evidence`), the table of the comparison of cures (`cures`), and the front function, `advise`.
"""

from judge.fairness.advice.advising import Advice, advise

__all__ = ["Advice", "advise"]
