import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from judge.errors import InputError
from judge.report.conditions import RATERS, TRUTH, baseline_of, cells, in_order, places, with_order

ROOT = Path(__file__).parents[2]


def table(*names):
    return pd.DataFrame({"condition": names})


def test_a_table_takes_the_order_of_the_run_and_the_truth_comes_last():
    ordered = with_order(table("truth", "b", "a", "b"), ["b", "c", "a"])["condition"]
    assert in_order(ordered) == ["b", "a", "truth"]
    assert places(ordered) == ["b", "c", "a"]
    assert list(ordered.cat.categories) == ["b", "c", "a", RATERS, TRUTH]
    assert ordered.astype(object).tolist() == ["truth", "b", "a", "b"]


def test_the_first_condition_is_the_baseline_and_score_columns_have_none():
    assert baseline_of(with_order(table("a", "b"), ["b", "a"])["condition"]) == "b"
    assert baseline_of(with_order(table("a", "b"), ["b", "a"], baseline=False)["condition"]) is None
    assert baseline_of(table("a", "b")["condition"]) is None


def test_plain_text_has_the_order_in_which_it_comes():
    assert in_order(table("b", "a", "b")["condition"]) == ["b", "a"]


def test_the_baseline_is_marked_once_in_a_column_where_it_first_stands():
    ordered = with_order(table("b", "a", "b", "a"), ["a", "b"])["condition"]
    assert cells(ordered) == ["b", "a (baseline)", "b", "a"]
    assert cells(table("b", "a")["condition"]) == ["b", "a"]


@pytest.mark.parametrize("strange", ["c", None, np.nan])
def test_a_condition_that_the_run_does_not_name_is_refused(strange):
    with pytest.raises(InputError, match="condition"):
        with_order(table("a", strange), ["a", "b"])


def test_a_table_without_rows_has_the_order_too():
    assert places(with_order(table(), ["a", "b"])["condition"]) == ["a", "b"]


def _names_of_conditions():
    """The names of the default settings; other files have names that are columns and seams too (gate, reference)."""
    text = (ROOT / "conf" / "conditions" / "contest.yaml").read_text(encoding="utf-8")
    return {"skewed", "rebalanced", *yaml.safe_load(text)}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "judge" / "report").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_name_of_a_condition_is_in_the_code_of_pages(path):
    source = path.read_text(encoding="utf-8")
    names = _names_of_conditions()
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in texts if text.strip() in names]
    assert not re.search(r"rebalanced|skewed (pool|judge|condition|training|run)", source)
