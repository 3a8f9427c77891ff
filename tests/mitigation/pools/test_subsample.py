"""SUBG: every group as large as the smallest, and the pool as small as that makes it."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.mitigation.pools import ResampleDown, SubsampleGroups


def pool_of(ratings):
    """{group: ratings} → a manifest"""
    rows = [(g, r) for g, of_group in ratings.items() for r in of_group]
    table = pd.DataFrame(rows, columns=["g", "rating"])
    return table.assign(image_id=[f"p{i:03d}" for i in range(len(table))])


def applied(method, pool, seed=0):
    return method(pool, pool, feature="g", rng=np.random.default_rng(seed))


POOL = pool_of({"a": range(8), "b": range(3)})


def test_every_group_is_cut_to_the_smallest_and_the_pool_keeps_its_size():
    out = applied(SubsampleGroups(), POOL)
    assert out["g"].value_counts().to_dict() == {"a": 3, "b": 3}
    assert out["image_id"].is_unique
    assert list(out) == list(POOL)
    assert SubsampleGroups.own_size
    # the same pictures as resampling down, which has all other pools cut as well
    pd.testing.assert_frame_equal(out, applied(ResampleDown(), POOL))
    assert not getattr(ResampleDown, "own_size", False)


def test_with_bins_of_the_rating_every_cell_is_cut_to_the_smallest():
    # halves of the ratings: up to 3, and above. a: 4 low and 2 high, b: 1 low and 3 high
    pool = pool_of({"a": [0, 1, 2, 3, 8, 9], "b": [3, 7, 8, 9]})
    out = applied(SubsampleGroups(bins=2), pool)
    assert out.groupby("g")["rating"].apply(lambda r: sorted(r > 3)).to_dict() == {
        "a": [False, True],
        "b": [False, True],
    }
    assert list(out) == list(pool)


def test_what_would_leave_too_little_is_refused():
    few = pool_of({"a": range(8), "b": [1]})
    with pytest.raises(
        InputError, match=r"1 pictures of 'b' in the pool leave 2 in all.*at least 4.*Raise pool\.n"
    ):
        applied(SubsampleGroups(), few)
    with pytest.raises(InputError, match=r"leave 6 in all.*at least 10"):
        applied(SubsampleGroups(least=10), POOL)
    apart = pool_of({"a": [1, 2, 3, 4], "b": [6, 7, 8, 9]})
    with pytest.raises(InputError, match=r"0 pictures of 'a, bin 2' in the pool leave 0 in all.*or bins"):
        applied(SubsampleGroups(bins=2), apart)
    with pytest.raises(InputError, match="tie too often for bins=3"):
        applied(SubsampleGroups(bins=3), pool_of({"a": [1, 2, 1, 2], "b": [1, 2, 1, 2]}))
    with pytest.raises(InputError, match="have no rating, so they have no bin"):
        applied(SubsampleGroups(bins=2), POOL.assign(rating=np.nan))
    source = pool_of({"a": range(8), "b": range(3), "c": range(3)})
    with pytest.raises(InputError, match=r"no picture of 'c'.*redraw"):
        SubsampleGroups()(POOL, source, feature="g", rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="bins is at least 1; given 0"):
        SubsampleGroups(bins=0)
    with pytest.raises(InputError, match="least is at least 4"):
        SubsampleGroups(least=3)
