"""A linear head trained by its gradient: with the squared error it is the ridge regression, with others it is not."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from rated_squares import rated_squares
from sklearn.linear_model import Ridge as ScikitRidge
from torch import nn

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.linear_head import fitted_for, fitted_twice
from judge.jury.loading import load_judge
from judge.jury.network.losses import SquaredError
from judge.jury.ridge import PENALTIES, Conditioned, left_out_errors, ridge
from judge.mitigation.objectives import (
    DomainIndependent,
    GroupDRO,
    JustTrainTwice,
    MatchFeatures,
    ScoreAdversary,
)

GROUPS = Groups("ethnicity", ("a", "b"))
N = 120


@pytest.fixture(scope="module", params=[20, 300], ids=["tall", "wide"])
def people(request):
    """(features, ratings, weights, codes): group b, a quarter, lies apart in the features and is rated 1.5 lower."""
    rng = np.random.default_rng(0)
    code = (np.arange(N) % 4 == 0).astype(np.int64)
    cause = rng.normal(size=(N, 5))
    x = cause @ rng.normal(size=(5, request.param)) + rng.normal(0, 0.5, (N, request.param))
    x = x + 2.0 * code[:, None] * rng.normal(size=request.param)
    rating = 5 + cause[:, 0] - 1.5 * code + rng.normal(0, 0.3, N)
    return x, rating, rng.uniform(0.5, 2, N), code


def rated(fit, x):
    return ((x - fit.mean) / fit.scale) @ fit.weight + fit.bias


def fitted(objective, people, steps=400, penalties=PENALTIES):
    x, rating, weight, code = people
    codes = {"ethnicity": torch.from_numpy(code)}
    return fitted_for(objective, x, rating, weight, groups=codes, penalties=penalties, steps=steps, seed=0)


def gap(fit, people):
    score = rated(fit, people[0])
    return score[people[3] == 0].mean() - score[people[3] == 1].mean()


@pytest.mark.parametrize("penalties", [(0.03,), (3.0,), PENALTIES])
def test_with_the_squared_error_it_ends_at_the_ridge_regression(people, penalties):
    x, rating, weight, _ = people
    expected = ridge(x, rating, weight, penalties)
    found, parts = fitted(SquaredError(), people, penalties=penalties)
    assert found.penalty == expected.penalty
    np.testing.assert_allclose(rated(found, x), rated(expected, x), atol=1e-4 * rating.std())
    error = np.average((rated(expected, x) - rating) ** 2, weights=weight)
    centre = np.average(rating, weights=weight)
    assert parts["loss"] == pytest.approx(
        error / np.average((rating - centre) ** 2, weights=weight), rel=1e-3
    )


def test_conditioned_features_predict_what_standardised_ones_do_and_no_direction_is_lost(people):
    x = people[0] - np.average(people[0], axis=0, weights=people[2])
    weight = people[2] / people[2].mean()
    own = Conditioned.of(x, weight, 0.3)
    assert own.features.shape[1] == min(N - 1, x.shape[1])
    np.testing.assert_allclose(own.features, x @ own.back, atol=1e-9)
    # data and penalty together curve by one in every direction
    curvature = (own.features * weight[:, None]).T @ own.features / N + np.diag(own.curve**2)
    np.testing.assert_allclose(curvature, np.eye(len(curvature)), atol=1e-9)
    np.testing.assert_allclose(own.features @ np.linalg.pinv(own.back), x, atol=1e-8)


def test_left_out_errors_are_those_of_regressions_without_the_picture(people):
    x, rating, weight, _ = people
    fit = ridge(x, rating, weight)
    found = left_out_errors(x, rating, weight, fit)
    z = (x - fit.mean) / fit.scale
    for row in (0, 1, 57):
        kept = np.arange(N) != row
        # the sum of the penalty is that of all N pictures, in the units of their weights
        alone = ScikitRidge(alpha=fit.penalty * weight.sum()).fit(
            z[kept], rating[kept], sample_weight=weight[kept]
        )
        assert found[row] == pytest.approx(rating[row] - alone.predict(z[row : row + 1])[0], abs=1e-8)


def test_heads_of_the_groups_leave_the_average_of_what_their_raters_say(people):
    plain, apart = (
        fitted(SquaredError(), people)[0],
        fitted(DomainIndependent(SquaredError(), GROUPS), people)[0],
    )
    assert gap(plain, people) > 1.2
    assert abs(gap(apart, people)) < 0.5


def test_an_adversary_on_the_score_takes_the_group_out_of_it(people):
    objective = ScoreAdversary(SquaredError(), GROUPS, strength=3.0, given_rating=False)
    found, parts = fitted(objective, people)
    assert set(parts) == {"loss", "base", "adversary"}
    assert abs(gap(found, people)) < 0.5 * gap(fitted(SquaredError(), people)[0], people)


def test_the_worst_groups_loss_is_lower_than_with_the_mean(people):
    def losses(fit):
        error = (rated(fit, people[0]) - people[1]) ** 2
        return [np.average(error[people[3] == g], weights=people[2][people[3] == g]) for g in (0, 1)]

    plain = fitted(SquaredError(), people, penalties=(3.0,))[0]
    robust = fitted(GroupDRO(SquaredError(), GROUPS, step=0.1, l2=0), people, penalties=(3.0,))[0]
    assert max(losses(robust)) < max(losses(plain))
    assert np.ptp(losses(robust)) < np.ptp(losses(plain))


def test_trained_twice_is_the_regression_with_the_weights_of_left_out_errors(people):
    x, rating, weight, _ = people
    twice = JustTrainTwice(SquaredError(), GROUPS, share=0.1, factor=5.0)
    error = np.abs(left_out_errors(x, rating, weight, ridge(x, rating, weight)))
    heavy = weight * np.where(error >= np.sort(error)[-12], 5.0, 1.0)
    expected = ridge(x, rating, heavy)
    found = fitted_twice(x, rating, weight, twice, PENALTIES)
    np.testing.assert_allclose(rated(found, x), rated(expected, x), atol=1e-9)


def test_a_seed_gives_one_result_and_the_callers_random_numbers_stay(people):
    def made(seed):
        torch.manual_seed(seed)
        return ScoreAdversary(SquaredError(), GROUPS)

    first, same = fitted(made(1), people, steps=20)[0], made(1)
    torch.manual_seed(7)
    drawn = torch.rand(1)
    torch.manual_seed(7)
    again = fitted(same, people, steps=20)[0]
    assert torch.rand(1) == drawn
    np.testing.assert_array_equal(first.weight, again.weight)
    assert not np.array_equal(first.weight, fitted(made(2), people, steps=20)[0].weight)


class Diverging(nn.Module):
    def forward(self, network, batch):
        return {"loss": network(batch.pixels).rating.sum() * float("inf")}


def test_a_loss_that_is_not_finite_and_a_pool_of_one_group_are_refused(people):
    with pytest.raises(InputError, match=r"the loss of Diverging is (inf|nan|-inf) in step 1 of 400"):
        fitted(Diverging(), people)
    x, rating, weight, code = people
    with pytest.raises(InputError, match="at least 2 groups"):
        fitted(GroupDRO(SquaredError(), GROUPS), (x, rating, weight, code * 0))


@pytest.mark.slow
def test_an_embedding_judge_trained_for_an_objective_is_saved_with_its_words_and_scores_to_the_bit(tmp_path):
    table = rated_squares(tmp_path / "squares", n=60)
    groups = Groups.of(table, "gender")

    def judge():
        return EmbeddingJudge(
            Embedding("test_efficientnet", "none", 32),
            cache=str(tmp_path / "cache"),
            progress=False,
            steps=300,
        )

    plain = judge().fit(table[:40], rating_range=(1, 9), seed=0)
    assert plain.facts["objective"]["type"] == "judge.jury.network.losses:SquaredError"
    for method in (partial(GroupDRO, step=0.5), JustTrainTwice, ScoreAdversary):
        made = judge().fit(table[:40], rating_range=(1, 9), seed=0, groups=groups, objective=method)
        made.save(tmp_path / "judge")
        read = load_judge(tmp_path / "judge")
        pd.testing.assert_frame_equal(made.score(table)[0], read.score(table)[0], check_exact=True)
        assert not np.array_equal(made.score(table)[0]["score"], plain.score(table)[0]["score"])
        words = read.facts["objective"]
        assert words["type"].endswith(f":{getattr(method, 'func', method).__qualname__}")
        assert words["given"]["groups"]["settings"]["names"] == ["men", "women"]
        assert read.steps == 300
    twice = [
        judge()
        .fit(table[:40], rating_range=(1, 9), seed=3, groups=groups, objective=ScoreAdversary)
        .score(table)[0]
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*twice, check_exact=True)
    with pytest.raises(InputError, match="frozen"):
        judge().fit(table[:40], rating_range=(1, 9), seed=0, groups=groups, objective=MatchFeatures)
    with pytest.raises(InputError, match=r"judge\.steps=0"):
        EmbeddingJudge(steps=0)
