"""Quality and coverage of generated faces, against what can be counted by hand and against other implementations.

The numbers in the test of other implementations were computed once, on the same features, with packages that judge
does not need: prdc 0.2 (compute_prdc, nearest_k=5), vendi-score 0.0.3 (score_X normalised, and score_K on the rbf
similarities), torch-fidelity 0.4.0 (kernel_mmd: poly, degree 3, gamma 1/d, coef0 1).
"""

import numpy as np
import pytest

from judge.errors import InputError
from judge.generator.audit import measures, neighbours
from judge.generator.audit.measures import kid, mind, precision_recall_density_coverage, vendi
from judge.generator.audit.quality import Measuring, quality_by_group


def people(n, wide=6, seed=0, shift=0.0):
    return shift + np.random.default_rng(seed).normal(size=(n, wide))


def test_as_other_implementations_have_it():
    rng = np.random.default_rng(7)
    real, fake = rng.normal(size=(120, 6)), 0.3 + 0.8 * rng.normal(size=(120, 6))
    assert precision_recall_density_coverage(real, fake) == pytest.approx(
        (0.975, 0.8083333333, 0.9683333333, 0.9166666667)
    )
    assert vendi(real) == pytest.approx(5.797704975, rel=1e-9)
    assert vendi(real, kernel="rbf", bandwidth=1.5) == pytest.approx(33.921707383, rel=1e-9)
    # a subset of everybody is the whole statistic
    assert kid(real, fake, subsets=2, size=120).value == pytest.approx(0.6138113137562367, rel=1e-9)


def test_the_same_people_cover_each_other():
    real = people(80)
    same = precision_recall_density_coverage(real, real)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    # a ball has its person and k − 1 others within; the k-th is on its edge, on this side or that by rounding
    assert 1 <= same.density <= 6 / 5
    assert mind(real, real) == 0
    assert kid(real, real, subsets=2, size=80).value < 0.05


def test_people_far_away_cover_nobody():
    real = people(80)
    assert precision_recall_density_coverage(real, real + 100) == (0, 0, 0, 0)


@pytest.mark.parametrize("k", [1, 5])
def test_expected_coverage_between_samples_of_one_distribution(k):
    n = 200
    found = [
        precision_recall_density_coverage(people(n, seed=s), people(n, seed=s + 1000), k=k).coverage
        for s in range(20)
    ]
    i = np.arange(1, k + 1)
    expected = 1 - np.prod((n - i) / (2 * n - i))
    assert expected == pytest.approx(1 - 0.5**k, abs=0.01)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 20**0.5 + 1e-3)


def test_a_dropped_mode_is_uncovered_and_costs_no_precision():
    real = np.concatenate([people(150, seed=1), people(50, seed=2, shift=100.0)])
    found = precision_recall_density_coverage(real, real[:150])
    assert found.coverage == 0.75
    assert found.precision == 1


def test_one_face_repeated_is_precise_and_covers_hardly_anybody():
    real = people(200)
    found = precision_recall_density_coverage(real, np.repeat(real[:1], 200, axis=0))
    assert found.precision == 1
    assert found.recall == 0
    # those in whose ball that one face lies
    assert found.coverage < 0.1


def test_blocks_change_nothing(monkeypatch):
    real, fake = people(90, seed=1), people(90, seed=2)
    whole = precision_recall_density_coverage(real, fake), mind(real, fake, directions=7)
    monkeypatch.setattr(neighbours, "BLOCK", 300)
    assert precision_recall_density_coverage(real, fake) == whole[0]
    monkeypatch.setattr(measures, "BLOCK", 90 * 7)
    assert mind(real, fake, directions=7) == whole[1]


def test_the_nearest_of_views_counts():
    references = np.array([[0.0, 0.0], [3.0, 0.0]])
    views = np.array([[[10.0, 0.0], [3.0, 1.0]]])
    found = neighbours.nearest(views, references, 2)
    # (3, 1) is 1 from the second; to the first, √10 is nearer than 10
    assert found.row.tolist() == [[1, 0]]
    assert found.distance[0] == pytest.approx([1, 10**0.5])


def test_mind_of_a_shift_is_three_times_its_square():
    real = people(60)
    shift = np.array([1.0, 2, 0, 0, 0, 2])
    assert mind(real, real + shift, directions=20_000) == pytest.approx(3 * 9, rel=0.03)


def test_kid_is_unbiased_and_its_error_is_that_of_repeats():
    same = [kid(people(200, seed=s), people(200, seed=s + 500), rng=s).value for s in range(20)]
    assert min(same) < 0 < max(same)
    assert abs(np.mean(same)) < 3 * np.std(same) / 20**0.5
    moved = [kid(people(200, seed=s), people(200, seed=s + 500, shift=0.5), rng=s) for s in range(20)]
    assert np.mean([m.error for m in moved]) == pytest.approx(np.std([m.value for m in moved]), rel=0.4)


@pytest.mark.parametrize("kernel", ["cosine", "rbf"])
def test_vendi_of_equal_clusters_is_their_number(kernel):
    clusters = np.repeat(10 * np.eye(4), 25, axis=0)
    assert vendi(clusters, kernel=kernel, bandwidth=1.0) == pytest.approx(4, rel=1e-6)
    assert vendi(clusters[:25], kernel=kernel, bandwidth=1.0) == pytest.approx(1)
    assert vendi(50 * np.eye(30), kernel=kernel, bandwidth=1.0) == pytest.approx(30)


def test_vendi_of_too_many_is_that_of_as_many_as_are_held(monkeypatch):
    monkeypatch.setattr(measures, "LARGEST", 20)
    assert vendi(50 * np.eye(30)) == pytest.approx(20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: precision_recall_density_coverage(people(9), people(9, wide=5)),
            "one space, not 6 and 5 wide",
        ),
        (lambda: precision_recall_density_coverage(people(5), people(5)), "k=5 neighbours.*there are 1 to 4"),
        (lambda: precision_recall_density_coverage(people(9) * np.nan, people(9)), "finite"),
        (lambda: mind(people(9), people(8)), "equally many people, not 9 with 8"),
        (lambda: kid(people(9), people(9), size=10), "2 to 9 people"),
        (lambda: vendi(people(9), kernel="linear"), "'cosine', 'rbf'"),
        (lambda: vendi(np.zeros((3, 2))), "all 0"),
        (lambda: Measuring(least=2), "least is a number from 6"),
    ],
)
def test_what_cannot_be_measured_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()


def grouped(sizes, seed, drop=None):
    """Features and names; two half groups a group, of which `drop` of group b lacks one."""
    rng = np.random.default_rng(seed)
    x, names = [], []
    for number, (name, n) in enumerate(sizes.items()):
        half = rng.integers(0, 2, n)
        if name == drop:
            half[:] = 0
        x.append(rng.normal(size=(n, 4)) + 20 * number + 8 * half[:, None] * np.eye(4)[0])
        names += [name] * n
    return np.concatenate(x), np.array(names)


def test_quality_by_group_finds_the_group_that_lost_half_of_itself():
    sizes = {"a": 200, "b": 120, "c": 8}
    sets = [grouped(sizes, 1), grouped(sizes, 2), grouped(sizes, 3, drop="b")]
    names = dict(zip(("real_train", "real_held_out", "fake"), (of for _, of in sets), strict=True))
    measuring = Measuring(splits=3, least=40, directions=50)
    quality = quality_by_group(*(x for x, _ in sets), names, space="made", measuring=measuring)
    table = quality.table.set_index(["group", "measure"])
    assert set(quality.table["space"]) == {"made"}
    assert set(quality.table["group"]) == {"all", "a", "b"}
    # as many in every cell as the smallest group has
    assert set(quality.table["n"]) == {120}
    assert quality.aside["group"].tolist() == ["c"]
    assert "fewer than 40 people in 'real_train', 'real_held_out', 'fake'" in quality.aside["reason"][0]
    assert table["ratio"]["a", "coverage"] == pytest.approx(1, abs=0.05)
    assert table["ratio"]["b", "coverage"] == pytest.approx(0.5, abs=0.1)
    assert table["ratio"]["b", "precision"] > 0.9
    assert table["ratio"]["b", "mind"] > 5 > 2 > table["ratio"]["a", "mind"]
    assert table["ratio"]["b", "vendi"] < 0.8 < 0.95 < table["ratio"]["a", "vendi"]
    assert np.isnan(table["ratio"]["b", "kid"])
    assert table["value"]["b", "kid"] > 10 * abs(table["real_value"]["b", "kid"])
    again = quality_by_group(*(x for x, _ in sets), names, space="made", measuring=measuring)
    assert again.table.equals(quality.table)


def test_quality_needs_a_group_that_is_large_enough():
    x, names = grouped({"a": 20}, 1)
    groups = dict.fromkeys(("real_train", "real_held_out", "fake"), names)
    with pytest.raises(InputError, match="no group has least=50"):
        quality_by_group(x, x, x, groups)
    with pytest.raises(InputError, match=r"groups\['fake'\] has one name for each of 20 people"):
        quality_by_group(x, x, x, groups | {"fake": names[:5]})
