import numpy as np
import pandas as pd
import pytest

from judge.report.wording import as_group, counted, joined, largest, level, number, p_said, p_text, percent


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.534, 2, "0.53"), (-0.07, 2, "−0.07"), (0.0004, 2, "0.0004"), (-1e-9, 2, "0.00"), (np.nan, 2, "–"),
     (np.inf, 2, "∞"), (-np.inf, 1, "−∞"), (12345.6, 1, "12,345.6"), (0, 3, "0.000")],
)  # fmt: skip
def test_numbers_are_written_as_in_print(value, digits, text):
    assert number(value, digits) == text


def test_p_values_and_shares_are_written_as_in_print():
    assert [p_text(p) for p in (0.0321, 0.0001, 1.0, np.nan)] == [".032", "<.001", "1", "–"]
    assert [p_said(p) for p in (0.0321, 0.0001, np.nan)] == ["p = .032", "p < .001", ""]
    assert percent(0.12345) == "12.3 %"
    assert percent(np.nan) == "–"


def test_things_are_counted_and_joined_as_they_are_said():
    assert [counted(n, "run") for n in (1, 2, 1000)] == ["1 run", "2 runs", "1,000 runs"]
    assert [joined(list(names)) for names in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def test_the_level_of_intervals_is_that_of_the_rows():
    assert level(pd.DataFrame({"confidence": [0.9]})) == "90 %"
    assert level(pd.DataFrame({"value": [0.9]})) == "95 %"


def test_a_missing_label_is_a_group_of_its_own():
    assert as_group(pd.Series(["a", None, 3])).tolist() == ["a", "(missing)", "3"]


def test_the_largest_groups_are_kept_in_order_of_name_and_the_rest_is_counted():
    counts = pd.Series({"d": 5, "a": 1, "c": 9, "b": 5})
    assert largest(counts, 2) == (["b", "c"], 2)
    assert largest(counts, 9) == (["a", "b", "c", "d"], 0)
