import numpy as np
import pandas as pd
import pytest
from rendered import rows

from judge.errors import InputError
from judge.jury.robots.age import Age, stated_age


def people(n=400, noise=4.0, seed=0):
    """Embeddings of which one direction is age with noise."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 69, n)
    x = rng.normal(size=(n, 20))
    x[:, 0] = (age + rng.normal(scale=noise, size=n) - 43) / 15
    return x.astype(np.float32), pd.DataFrame({"age": age})


def test_age_is_read_from_the_direction_that_holds_it():
    robot = Age().fit(*people())
    x, table = people(seed=1)
    assert np.corrcoef(robot.predict(x), table["age"])[0, 1] > 0.95
    assert np.abs(robot.predict(x) - table["age"]).mean() < 4.5
    assert robot.out_of_fold_error()["mae"] == pytest.approx(3.3, abs=0.8)


def test_who_looks_ten_years_younger_than_stated_scores_ten_more():
    robot = Age(calibrated=False).fit(*people())
    x, _ = people(seed=1)
    low, high = robot.score(x[[0, 0]], rows(2, age=[30.0, 40.0]))
    assert high - low == pytest.approx(10)
    stern = Age(calibrated=False, direction="true").fit(*people())
    assert (stern.score(x, rows(len(x), age=[40.0] * len(x))) <= 0).all()


def test_calibration_takes_off_that_every_regression_makes_the_old_look_young():
    x, table = people(noise=25.0)
    test_x, test_table = people(noise=25.0, seed=2)

    def slope(robot):
        score = robot.fit(x, table).score(test_x, test_table)
        return np.polyfit(test_table["age"], score, 1)[0]

    assert slope(Age(calibrated=False)) > 0.3
    assert abs(slope(Age())) < 0.12


def test_the_age_that_a_gate_asks_for_is_not_drawn_towards_the_mean():
    robot = Age().fit(*people(noise=25.0))
    x, table = people(noise=25.0, seed=2)
    slopes = [np.polyfit(table["age"], years(x), 1)[0] for years in (robot.predict, robot.predicted_age)]
    assert slopes[0] < 0.6
    assert slopes[1] == pytest.approx(1, abs=0.2)


def test_an_age_that_people_guess_counts_beside_the_stated_one():
    robot = Age(calibrated=False, guessed=0.5).fit(*people())
    x, _ = people(seed=1)
    entrants = rows(2, age=[30.0, 30.0], guessed_age=[np.nan, 40.0])
    plain, guessed = robot.score(x[[0, 0]], entrants)
    assert guessed - plain == pytest.approx(5)


def test_bands_become_their_middle_and_years_win_over_bands():
    table = pd.DataFrame({"age": [31.0, np.nan, np.nan], "age_group": ["18-29", "20-29", None]})
    assert stated_age(table) == pytest.approx([31, 24.5, np.nan], nan_ok=True)


def test_without_stated_age_there_is_no_score():
    robot = Age().fit(*people())
    x, _ = people(seed=1)
    score = robot.score(x[:2], rows(2, age=[30.0, np.nan]))
    assert np.isfinite(score).tolist() == [True, False]


def test_it_trains_on_bands_alone():
    x, table = people()
    bands = pd.DataFrame(
        {"age_group": [f"{int(a // 10 * 10)}-{int(a // 10 * 10) + 9}" for a in table["age"]]}
    )
    assert Age().fit(x, bands).out_of_fold_error()["correlation"] > 0.9


def test_too_few_ages_and_a_misspelt_direction_are_errors():
    x, table = people()
    with pytest.raises(InputError, match="50 faces"):
        Age().fit(x[:30], table[:30])
    with pytest.raises(InputError, match="direction"):
        Age(direction="older")
    for years in (Age().predict, Age().predicted_age):
        with pytest.raises(InputError, match="has to be fitted"):
            years(x)
