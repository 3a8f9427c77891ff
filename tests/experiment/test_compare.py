"""Which settings make runs of a sweep different settings, and where each of them is written."""

import pandas as pd
import pytest
from omegaconf import OmegaConf

from judge.experiment.compare import dose_table, run_table
from judge.experiment.run_folder import RunDir
from judge.experiment.settings import folder_name

GROUPS = ("african", "caucasian")


def finished(folder, settings, *, share=0.9):
    """A run's folder with the settings and the few numbers that compare reads."""
    home = RunDir(folder)
    text = OmegaConf.to_yaml({"pool": {"majority_share": share}, **settings})
    home.claim(str(folder), text)
    rows = [
        {
            "condition": condition,
            "metric": metric,
            "group": group,
            "value": 0.5 + 0.1 * settings["seed"],
            "n": 10,
        }
        for condition in ("skewed", "rebalanced")
        for metric in ("entrant_share", "winner_share")
        for group in GROUPS
    ]
    home.write_tables(audit=pd.DataFrame(rows))
    facts = {
        "seed": settings["seed"],
        "majority_share": share,
        "feature": "ethnicity",
        "majority": "caucasian",
    }
    home.finish(str(folder), 0.0, {**facts, "reference": "caucasian", "pool_shares": {}, "pool_n": {}})
    return home


def test_how_a_data_set_is_read_is_no_setting_of_a_comparison_but_another_root_is(tmp_path):
    runs = [
        finished(tmp_path / str(i), {"seed": i, "data": {"root": "a", "workers": i, "cache_dir": f"c{i}"}})
        for i in range(2)
    ]
    assert set(run_table(runs)["setting"]) == {""}
    runs.append(finished(tmp_path / "2", {"seed": 0, "data": {"root": "b", "workers": 1}}))
    assert set(run_table(runs)["setting"]) == {"data.root=a", "data.root=b"}


@pytest.mark.parametrize("tied", [True, False])
def test_the_seed_of_the_entrants_is_a_factor_where_it_varies_by_itself(tmp_path, tied):
    pairs = [(0, 0), (1, 1)] if tied else [(0, 5), (1, 5), (0, 6), (1, 6)]
    runs = [
        finished(
            tmp_path / f"{seed}-{entrants}-{share}",
            {"seed": seed, "entrants": {"seed": entrants}},
            share=share,
        )
        for seed, entrants in pairs
        for share in (0.5, 0.9)
    ]
    table = run_table(runs)
    expected = {""} if tied else {"entrants.seed=5", "entrants.seed=6"}
    assert set(table["setting"]) == expected
    for _, part in table.groupby("setting"):
        assert len(dose_table(part))


def test_two_long_settings_have_two_folders():
    names = {folder_name("population=" + "x" * 200 + str(i)) for i in range(2)}
    assert len(names) == 2
    assert max(map(len, names)) < 140
    assert folder_name("mitigation=redraw, seed=1") == "mitigation=redraw,_seed=1"
