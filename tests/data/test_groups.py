"""Groups of a sensitive feature: one code a name, wherever it is asked."""

import numpy as np
import pandas as pd
import pytest

from judge.data.groups import Groups
from judge.errors import InputError


def test_codes_are_those_of_the_source_whatever_a_table_holds():
    groups = Groups.of(pd.DataFrame({"tone": ["light", "dark", None, "light"]}), "tone")
    assert groups.names == ("dark", "light")
    assert groups.codes(pd.DataFrame({"tone": ["light", None, "green", "dark"]})).tolist() == [1, -1, -1, 0]
    assert groups.codes(pd.DataFrame({"tone": ["light"]})).tolist() == [1]


def test_a_feature_of_numbers_has_groups_too():
    source = pd.DataFrame({"quarter": [2, 1, 2, 3]})
    groups = Groups.of(source, "quarter")
    assert groups.codes(source).tolist() == [1, 0, 1, 2]
    assert groups.codes(pd.DataFrame({"quarter": [np.nan, 3.0]})).tolist()[0] == -1


def test_groups_without_anybody_are_counted_as_none():
    groups = Groups("g", ("a", "b", "c"))
    assert groups.counts([0, 0, 2, -1]).to_dict() == {"a": 2, "b": 0, "c": 1}


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="'height'"):
        Groups.of(pd.DataFrame({"g": ["a"]}), "height")
