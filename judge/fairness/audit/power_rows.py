"""The power rows of the audit: what the primary contrast's own test could have shown, and what it would need."""

from __future__ import annotations

import numpy as np

from judge.fairness.audit.rows import ALL_OTHERS, STRATIFIED, Rows
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import expected_winners
from judge.fairness.inference.power import contest_power, contest_winners_needed, detectable_ratio
from judge.fairness.inference.settings import Inference

#: True selection-rate ratios for which the power is told.
TOLD_RATIOS = (0.5, 0.8)
#: Wanted of the smallest detectable ratio and the number of winners needed.
TARGET = 0.8
UNREACHABLE = "; so many win that no odds give this ratio"


def add_power_rows(
    rows: Rows, counts: Counts, group: str, *, favoured: bool, how: Inference | None = None
) -> None:
    """Power at TOLD_RATIOS, smallest detectable ratio, winners needed: of the test that the audit reports.

    That is the two-sided exact test within brackets of the group against all others, at 1 − confidence. The ratio is
    that of the group to all others, or (favoured) of all others to the group.
    """
    decided = int(counts.decided.sum())
    expected = expected_winners(counts)[counts.index(group)]
    total = counts.entrants.sum(axis=1)
    if not 0 < expected < decided or not ((counts.decided > 0) & (counts.decided < total)).any():
        return  # nothing is decided between the group and others
    confidence = (how or Inference()).confidence
    alpha = round(1 - confidence, 12)
    named = f"not {group}" if favoured else group
    share = expected / decided
    tested = f"two-sided exact test, α = {alpha:g}"
    rows = rows.sharing(
        test=STRATIFIED,
        reference=group if favoured else ALL_OTHERS,
        bracket="within" if len(counts.brackets) > 1 else "all",
    )
    if counts.lots is not None:
        tested += ", as if no place fell by lot"
    expects = f"chance gives {named} {1 - share if favoured else share:.1%} of {decided} winners"
    for ratio in TOLD_RATIOS:
        power = contest_power(counts, group, ratio, favoured=favoured, alpha=alpha)
        rows.add(
            f"power_at_ratio_{ratio}",
            named,
            power,
            decided,
            flag=f"{tested}; true ratio of selection rates {ratio}; {expects}"
            + (UNREACHABLE if np.isnan(power) else ""),
        )
    smallest = detectable_ratio(counts, group, favoured=favoured, power=TARGET, alpha=alpha)
    rows.add(
        "smallest_detectable_ratio",
        named,
        smallest,
        decided,
        flag=f"{tested}; found with {TARGET:.0%} power"
        + ("; not even odds of 0.001 would be" if np.isnan(smallest) else ""),
    )
    for ratio in TOLD_RATIOS:
        needed = contest_winners_needed(counts, group, ratio, favoured=favoured, power=TARGET, alpha=alpha)
        rows.add(
            f"winners_needed_at_ratio_{ratio}",
            named,
            needed,
            decided,
            flag=f"{tested}; {TARGET:.0%} power; in a contest with these brackets and shares, entrants in proportion"
            + ("; not reached with a million winners" if np.isnan(needed) else ""),
        )
