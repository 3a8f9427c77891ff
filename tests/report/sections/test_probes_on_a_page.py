"""The section of a run's page that says what fresh probes read."""

import pandas as pd

from judge.report.conditions import with_order
from judge.report.html import Fold, Picture, Table, Text
from judge.report.sections.jury import probes_section


def probes(**best):
    """Rows of probes: the two-layer probe reaches `best` of the scores, the others chance; features of the first."""
    rows = []
    for i, (condition, value) in enumerate(best.items()):
        for reads in ("features", "score") if i == 0 else ("score",):
            for kind in ("linear", "two_layer", "boosted_trees"):
                accuracy = 0.9 if reads == "features" else value if kind == "two_layer" else 0.5
                rows.append(
                    (
                        condition,
                        reads,
                        kind,
                        40,
                        40,
                        3,
                        accuracy,
                        accuracy - 0.1,
                        accuracy + 0.1,
                        0.5,
                        0.48,
                        0.03,
                    )
                )
    columns = ["condition", "reads", "probe", "n_train", "n_test", "n_excluded", "balanced_accuracy", "ci_low",
               "ci_high", "chance", "shuffled", "p_value"]  # fmt: skip
    return with_order(pd.DataFrame(rows, columns=columns), list(best))


def test_the_best_and_the_worst_read_condition_are_named_with_chance():
    texts = [b.text for b in probes_section(probes(plain=0.7, erased=0.55)).blocks if isinstance(b, Text)]
    assert texts[0] == (
        "From the features of a judge the best of three probes puts 90.0 % of the people into their own group "
        "(`plain`). Chance gives 50.0 %."
    )
    assert (
        "70.0 % of the people into their own group (`plain`); of `erased`, where least can be read, 55.0 %"
        in texts[1]
    )
    assert "adversary’s own accuracy is no evidence" in texts[2]


def test_conditions_that_read_alike_are_not_ranked():
    texts = [b.text for b in probes_section(probes(plain=0.7, erased=0.7)).blocks if isinstance(b, Text)]
    assert "70.0 % of the people into their own group (in all conditions)." in texts[1]


def test_the_table_has_a_line_for_what_is_read_of_each_condition():
    blocks = probes_section(probes(plain=0.7, erased=0.55)).blocks
    table = next(b for b in blocks if isinstance(b, Table))
    assert [row[:3] for row in table.rows] == [
        ["features", "plain (baseline)", "40"], ["score", "plain", "40"], ["score", "erased", "40"],
    ]  # fmt: skip
    assert table.rows[1][4] == "70.0 % [60.0, 80.0] p = .030"
    assert "48.0 % to 48.0 %" in table.note
    assert table.note.endswith(
        "Left out, at most, for a group of fewer than 4 or numbers that are not finite: 3."
    )
    drawn = next(b for b in blocks if isinstance(b, Picture)).figure
    assert (
        sum(1 for ax in drawn.axes for line in ax.lines if (line.get_gid() or "").startswith("probe:")) == 9
    )


def test_many_conditions_are_folded_and_no_probes_are_no_section():
    assert isinstance(probes_section(probes(**{f"c{i}": 0.6 for i in range(30)})).blocks[-1], Fold)
    assert not probes_section(None).blocks
