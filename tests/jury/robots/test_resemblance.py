import numpy as np
import pandas as pd
import pytest
from rendered import picture, portraits, rows

from judge.errors import InputError
from judge.jury.robots.resemblance import Resemblance


def people(n_a=40, n_b=40, seed=0, spread=1.0):
    """Embeddings of two groups around (0, …) and (4, …)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=spread, size=(n_a + n_b, 12))
    x[n_a:, 0] += 4
    return x.astype(np.float32), pd.DataFrame({"ethnicity": ["a"] * n_a + ["b"] * n_b})


ROBOT = Resemblance(groups=("ethnicity",), dimensions=8)


def test_the_group_average_itself_is_most_like_the_average():
    x, table = people()
    robot = ROBOT.fit(x, table)
    far = x[:40].mean(0) + 3
    likeness = robot.parts(np.stack([x[:40].mean(0), far]), rows(2, ethnicity=["a", "a"]))[:, 0]
    assert likeness[0] > likeness[1]


def test_the_same_face_is_compared_with_its_own_group():
    x, table = people()
    robot = ROBOT.fit(x, table)
    face = np.repeat(x[:40].mean(0)[None], 2, axis=0)
    as_a, as_b = robot.parts(face, rows(2, ethnicity=["a", "b"]))[:, 0]
    assert as_a > as_b + 0.3


def test_who_shares_the_traits_of_a_reference_person_is_alike_in_distinctive_traits():
    x, table = people()
    robot = ROBOT.fit(x, table)
    mean = x[:40].mean(0)
    exaggerated = mean + 1.5 * (x[3] - mean)
    stranger = mean - 1.5 * (x[:40] - mean).max(0)
    alike = robot.parts(np.stack([exaggerated, stranger]), rows(2, ethnicity=["a", "a"]))[:, 1]
    assert alike[0] > alike[1]


def test_a_group_with_few_reference_people_is_compared_with_an_average_that_is_everybodys():
    x, table = people(n_a=76, n_b=4)
    own = np.repeat(people(seed=5)[0][40:], 1, axis=0)
    loss = []
    for shares in (people(40, 40), (x, table)):
        robot = ROBOT.fit(*shares)
        known = robot.known()
        true = robot._white(np.array([[4.0] + [0.0] * 11]), known)
        loss.append(np.linalg.norm(known["mean/b"] - true))
    assert loss[1] > 1.5 * loss[0]
    assert len(own) == 40


def test_a_group_that_the_reference_lacks_gets_no_score_or_is_compared_with_everybody():
    x, table = people()
    entrants = rows(2, ethnicity=["a", "z"])
    assert np.isfinite(ROBOT.fit(x, table).score(x[:2], entrants)).tolist() == [True, False]
    lenient = Resemblance(groups=("ethnicity",), dimensions=8, unknown="everybody").fit(x, table)
    assert np.isfinite(lenient.score(x[:2], entrants)).all()


def test_gender_splits_the_groups_where_it_is_known():
    x, table = people()
    table["gender"] = ["f", "m"] * 40
    robot = Resemblance(dimensions=8).fit(x, table)
    assert {k for k in robot.known() if k.startswith("mean/")} == {
        "mean/a f",
        "mean/a m",
        "mean/b f",
        "mean/b m",
    }


def test_it_warns_of_groups_that_the_reference_lacks_and_of_nobody_else():
    reference = pd.DataFrame({"ethnicity": ["a", "b"]})
    assert ROBOT.warnings(reference, pd.DataFrame({"ethnicity": ["a", "b", None]})) == []
    (text,) = ROBOT.warnings(reference, pd.DataFrame({"ethnicity": ["z", "a", "y", "z"]}))
    assert text == "resemblance: nobody of 'y', 'z' in the reference set, missing"


def test_a_reference_that_is_too_small_or_unlabelled_is_an_error():
    x, table = people()
    with pytest.raises(InputError, match="at least 8"):
        ROBOT.fit(x[:5], table[:5])
    with pytest.raises(InputError, match="no reference person"):
        ROBOT.fit(x, table.rename(columns={"ethnicity": "colour"}))


def test_embeddings_of_rendered_faces_tell_people_apart_more_than_light():
    one = picture(masculinity=0.1, african=0.9, asian=0.05, caucasian=0.05)
    same = picture(masculinity=0.1, african=0.9, asian=0.05, caucasian=0.05, exposure=0.9)
    other = picture(masculinity=0.9, african=0.05, asian=0.05, caucasian=0.9, age=65)
    x = Resemblance().measure(portraits([one, same, other]))
    assert x.dtype == np.float32 and x.shape[0] == 3
    assert np.linalg.norm(x[0] - x[1]) < 0.6 * np.linalg.norm(x[0] - x[2])


def test_neither_part_outweighs_the_other_on_people_who_were_not_in_the_reference():
    rng = np.random.default_rng(1)
    reference, entrants = rng.normal(size=(60, 600)), rng.normal(size=(500, 600))
    group = ["a"] * 500
    robot = Resemblance(groups=("ethnicity",)).fit(reference, pd.DataFrame({"ethnicity": group[:60]}))
    z = (robot.parts(entrants, rows(500, ethnicity=group)) - robot.known()["part_mean"]) / robot.known()[
        "part_sd"
    ]
    assert np.abs(z.mean(0)).max() < 1  # 2.6 and 6.3 when measured on those who made the whitening
    assert 0.5 < z.std(0)[0] / z.std(0)[1] < 2


def test_one_who_shows_what_no_reference_person_does_is_not_infinitely_far():
    x, table = people()
    rng = np.random.default_rng(1)
    # twelve features that vary ten thousand times less among the reference people than in anybody else
    reference = np.hstack([x, 1e-4 * rng.normal(size=x.shape)])
    others, labels = people(seed=2)
    same = np.hstack([others, 1e-4 * rng.normal(size=x.shape)])
    shown = np.hstack([others, rng.normal(size=x.shape)])
    robot = ROBOT.fit(reference, table)
    with_them, without = robot.parts(shown, labels), robot.parts(same, labels)
    assert with_them[:, 0].min() > 2 * without[:, 0].min()
    assert np.corrcoef(with_them[:, 0], without[:, 0])[0, 1] > 0.9
