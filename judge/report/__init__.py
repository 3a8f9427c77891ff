"""From tables to pages: single HTML files with figures and words, without a script and without a request.

`pages` are what is asked for, made of `sections`, which are made of `figures` and the blocks of `html`. How a number is
written is in `wording`, which conditions there are and which is the baseline in `conditions`. Nothing is measured here:
every number comes from a table of the fairness room.
"""
