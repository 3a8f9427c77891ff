"""Which settings make runs of a sweep different settings, and where each of them is written."""

import pandas as pd
import pytest
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.experiment.compare import combinations, dose_table, run_table, same_conditions
from judge.experiment.folder_names import folder_name
from judge.experiment.run_folder import RunDir, read_json, write_json

GROUPS = ("african", "caucasian")
CONDITIONS = ("skewed", "rebalanced")


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
        for condition in CONDITIONS
        for metric in ("entrant_share", "winner_share")
        for group in GROUPS
    ]
    home.write_tables(audit=pd.DataFrame(rows))
    facts = {
        "seed": settings["seed"],
        "majority_share": share,
        "feature": "ethnicity",
        "majority": "caucasian",
        "conditions": list(CONDITIONS),
        "trained_as": {name: name for name in CONDITIONS},
    }
    home.finish(str(folder), 0.0, {**facts, "reference": "caucasian", "pool_shares": {}, "pool_n": {}})
    return home


def test_how_a_data_set_is_read_is_no_setting_of_a_comparison_but_another_root_is(tmp_path):
    runs = [
        finished(tmp_path / str(i), {"seed": i, "data": {"root": "a", "workers": i, "cache_dir": f"c{i}"}})
        for i in range(2)
    ]
    assert run_table(runs)[1] == []
    runs.append(finished(tmp_path / "2", {"seed": 0, "data": {"root": "b", "workers": 1}}))
    table, factors = run_table(runs)
    assert factors == ["data.root"]
    assert table["data.root"].value_counts().to_dict() == {"a": 8, "b": 4}


def test_a_factor_that_a_run_lacks_is_missing_there_and_a_combination_of_its_own(tmp_path):
    shifts = (None, {"african": -0.5}, {"african": -1.0})
    runs = [
        finished(tmp_path / f"{i}-{seed}", {"seed": seed, "rating_shift": shift})
        for i, shift in enumerate(shifts)
        for seed in (0, 1)
    ]
    table, factors = run_table(runs)
    levels = [told for told, _ in combinations(table, factors)]
    assert len(levels) == 3
    assert table["rating_shift.african"].astype(float).dropna().unique().tolist() == [-0.5, -1.0]


def test_runs_under_different_conditions_are_not_thrown_together(tmp_path):
    first = finished(tmp_path / "a", {"seed": 0})
    second = finished(tmp_path / "b", {"seed": 1})
    facts = read_json(second / "done.json")
    write_json(second / "done.json", facts | {"conditions": ["skewed", "reweight"]})
    with pytest.raises(InputError, match="different conditions"):
        same_conditions([first, second])


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
    table, factors = run_table(runs)
    assert factors == ([] if tied else ["entrants.seed"])
    parts = list(combinations(table, factors))
    assert len(parts) == (1 if tied else 2)
    for _, part in parts:
        assert len(dose_table(part, CONDITIONS))


def test_two_long_settings_have_two_folders():
    names = {folder_name(["population=" + "x" * 200 + str(i)]) for i in range(2)}
    assert len(names) == 2
    assert max(map(len, names)) < 140
    assert folder_name(["seed=1", "mitigation=redraw"]) == "mitigation=redraw,seed=1"
