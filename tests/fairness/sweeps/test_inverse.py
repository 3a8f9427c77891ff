import numpy as np
import pandas as pd
import pytest
from scipy.stats import dirichlet_multinomial, multinomial

from judge.errors import InputError
from judge.fairness.sweeps import abc, grid_posterior, independent_prior, under_priors
from judge.fairness.sweeps.inverse import _concentration, _log_dirichlet_multinomial

TARGET = {"white": 37, "rest": 6, "dark": 1}
SHARES = {0.5: (0.6, 0.2, 0.2), 0.75: (0.7, 0.2, 0.1), 0.95: (0.84, 0.136, 0.024)}


def sweep(shares=SHARES, seeds=20, places=50, start=0):
    rng = np.random.default_rng(start)
    rows = [(x, *rng.multinomial(places, p)) for x, p in shares.items() for _ in range(seeds)]
    return pd.DataFrame(rows, columns=["share", *TARGET])


def test_the_posterior_is_bayes_rule_where_runs_are_many_and_multinomial():
    found = grid_posterior(sweep(seeds=400), settings=["share"], target=TARGET, n_resamples=50)
    likelihood = np.array([multinomial.pmf([37, 6, 1], 44, p) for p in SHARES.values()])
    assert found.cells["likelihood"].to_numpy() == pytest.approx(likelihood, rel=0.3, abs=1e-4)
    assert found.cells["posterior"].to_numpy() == pytest.approx(likelihood / likelihood.sum(), abs=0.02)
    assert found.supported
    assert 1 <= found.effective_cells < 1.2


def test_a_prior_multiplies_the_likelihood():
    runs = sweep()
    flat = (
        grid_posterior(runs, settings=["share"], target=TARGET, n_resamples=2).cells["posterior"].to_numpy()
    )
    prior = {(0.5,): 8.0, (0.75,): 1.0, (0.95,): 0.0}
    found = grid_posterior(runs, settings=["share"], target=TARGET, prior=prior, n_resamples=2).cells[
        "posterior"
    ]
    expected = flat * [8, 1, 0]
    assert found.to_numpy() == pytest.approx(expected / expected.sum())
    with pytest.raises(InputError, match="prior lacks"):
        grid_posterior(runs, settings=["share"], target=TARGET, prior={(0.5,): 1.0})


def test_a_result_that_no_setting_makes_is_called_unsupported_by_both():
    target = {"white": 4, "rest": 30, "dark": 10}
    found = grid_posterior(sweep(), settings=["share"], target=target, n_resamples=2)
    assert not found.supported
    assert found.support.startswith("NO SUPPORT")
    table = abc(sweep(), settings=["share"], target=target)
    assert table["kept"].item() == 0
    assert np.isnan(table["mean"].item())
    assert table["support"].item().startswith("NO SUPPORT")


def test_abc_and_the_grid_agree_on_the_setting():
    runs = sweep(seeds=60)
    cells = grid_posterior(runs, settings=["share"], target=TARGET, n_resamples=2).cells
    mean = float((cells["share"] * cells["posterior"]).sum())
    table = abc(runs, settings=["share"], target=TARGET, accept=0.05)
    assert table["mean"].item() == pytest.approx(mean, abs=0.06)
    assert table["adjusted_mean"].item() == pytest.approx(mean, abs=0.06)
    assert table["kept_runs"].item() <= 180
    assert 1 <= table["effective_runs"].item() <= table["kept_runs"].item()


def test_few_runs_leave_wider_posteriors_over_seeds():
    widths = []
    for seeds in (5, 80):
        cells = grid_posterior(sweep(seeds=seeds), settings=["share"], target=TARGET).cells
        widths.append(float((cells["posterior_high"] - cells["posterior_low"]).max()))
    assert widths[0] > widths[1]


def test_a_group_that_never_won_in_the_sweep_is_not_impossible():
    runs = pd.DataFrame({"share": 0.9, "white": [44] * 6, "rest": [6] * 6, "dark": [0] * 6})
    found = grid_posterior(runs, settings=["share"], target=TARGET, n_resamples=2)
    assert found.cells["likelihood"].item() > 1e-4


def test_concentration_tells_multinomial_seeds_from_scattered_ones():
    rng = np.random.default_rng(0)
    mean = np.array([0.7, 0.2, 0.1])
    scattered = np.array([rng.multinomial(50, rng.dirichlet(20 * mean)) for _ in range(300)], float)
    assert _concentration(scattered, np.tile(mean, (300, 1))) == pytest.approx(20, rel=0.3)
    plain = rng.multinomial(50, mean, size=300).astype(float)
    assert _concentration(plain, np.tile(mean, (300, 1))) > 300
    # four runs a cell about their own means look calmer than they are
    own = np.repeat(scattered.reshape(75, 4, 3).mean(1) / 50, 4, axis=0) + 1e-6
    assert _concentration(scattered, own) > 25
    assert _concentration(scattered, own, n_means=75) == pytest.approx(20, rel=0.35)


def test_the_dirichlet_multinomial_agrees_with_scipy():
    counts, alpha = np.array([5.0, 2.0, 0.0]), np.array([3.0, 1.5, 0.2])
    expected = dirichlet_multinomial.logpmf([5, 2, 0], alpha, 7)
    assert _log_dirichlet_multinomial(counts, alpha) == pytest.approx(expected)


def test_tables_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="'shift'"):
        grid_posterior(sweep(), settings=["share", "shift"], target=TARGET)
    with pytest.raises(InputError, match="not all zero"):
        grid_posterior(sweep(), settings=["share"], target=dict.fromkeys(TARGET, 0))
    with pytest.raises(InputError, match="at least one winner"):
        abc(sweep().assign(white=0, rest=0, dark=0), settings=["share"], target=TARGET)


def test_likelihood_ratios_are_to_the_likeliest_cell_and_no_prior_enters():
    runs = sweep()
    flat = grid_posterior(runs, settings=["share"], target=TARGET, n_resamples=50).cells
    prior = {(0.5,): 8.0, (0.75,): 1.0, (0.95,): 1.0}
    bent = grid_posterior(runs, settings=["share"], target=TARGET, prior=prior, n_resamples=50).cells
    ratio = flat["likelihood"] / flat["likelihood"].max()
    assert flat["likelihood_ratio"].to_numpy() == pytest.approx(ratio.to_numpy())
    columns = ["likelihood_ratio", "ratio_low", "ratio_high"]
    pd.testing.assert_frame_equal(flat[columns], bent[columns])
    best = flat["likelihood"].idxmax()
    assert flat.loc[best, columns].tolist() == [1, 1, 1]
    assert (flat["ratio_low"] <= flat["ratio_high"]).all()


def test_posteriors_under_several_priors_are_those_of_one_at_a_time():
    runs = sweep().assign(shift=lambda t: np.where(t.index % 2, -1.0, 0.0))
    settings = ["share", "shift"]
    priors = {
        "even": independent_prior([{0.5: 1, 0.75: 1, 0.95: 1}, {0.0: 1, -1.0: 1}]),
        "bent": independent_prior([{0.5: 5, 0.75: 3, 0.95: 2}, {0.0: 1, -1.0: 4}]),
    }
    assert priors["bent"][0.75, -1.0] == 12
    found = grid_posterior(runs, settings=settings, target=TARGET)
    table = under_priors(found, priors)
    assert table.groupby(["prior", "setting"])[["before", "posterior"]].sum().to_numpy() == pytest.approx(1)
    for name, prior in priors.items():
        alone = grid_posterior(runs, settings=settings, target=TARGET, prior=prior)
        rows = table[table["prior"] == name]
        columns = ["posterior", "low", "high"]
        assert rows[columns].to_numpy() == pytest.approx(alone.marginals[columns].to_numpy())
        assert rows["effective_cells"].iloc[0] == pytest.approx(alone.effective_cells)
    before = table.set_index(["prior", "setting", "value"])["before"]
    assert before["bent", "share", 0.75] == pytest.approx(0.3)
    # 1 / Σ p² = 1 / [(.25 + .09 + .04) · (.04 + .64)]
    assert table.set_index("prior")["effective_before"]["bent"].iloc[0] == pytest.approx(1 / (0.38 * 0.68))


def test_a_prior_that_lacks_a_cell_is_refused_and_so_is_none_at_all():
    found = grid_posterior(sweep(), settings=["share"], target=TARGET, n_resamples=2)
    with pytest.raises(InputError, match=r"prior lacks the cell.*0\.95"):
        under_priors(found, {"half": {(0.5,): 1, (0.75,): 1}})
    with pytest.raises(InputError, match="not all zero"):
        under_priors(found, {"nothing": dict.fromkeys([(0.5,), (0.75,), (0.95,)], 0.0)})
    with pytest.raises(InputError, match="at least one prior"):
        under_priors(found, {})
