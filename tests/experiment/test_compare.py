"""Which settings make runs of a sweep different settings, and where each of them is written."""

import pandas as pd
import pytest
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.experiment.compare import combinations, dose_table, run_table, same_conditions
from judge.experiment.folder_names import folder_name
from judge.experiment.run_folder import RunDir, read_json, write_json
from judge.experiment.runs.contests import contests_of, people_of

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


def with_its_people(home, *, seed, first=0):
    """Adds to a finished folder four entrants, one of them two pictures of a person, and whom each condition ranked."""
    ids = [f"i{first + i}" for i in range(4)]
    manifest = pd.DataFrame(
        {
            "image_id": [*ids, "trained"],
            "ethnicity": ["african", "african", "caucasian", "caucasian", "caucasian"],
            "rating": [4.0, 5.0, 6.0, None, 5.0],
            "person_id": ["p", "p", None, None, None],
        }
    )
    roles = [(i, "entrant") for i in ids] + [("trained", "train")]
    ranking = pd.DataFrame(
        {
            "image_id": [*ids, *ids[:3]],  # under rebalanced the gate turned the last one away
            "condition": ["skewed"] * 4 + ["rebalanced"] * 3,
            "bracket": "all",
            "score": [5.0, 4.0, 7.0, 3.0, 5.0, 6.0, 2.0],
            "rank": [2, 3, 1, 4, 2, 1, 3],
            "winner": [False, False, True, False, False, True, False],
        }
    )
    home.write_tables(
        manifest=manifest, membership=pd.DataFrame(roles, columns=["image_id", "role"]), ranking=ranking
    )
    return home


def test_people_of_a_run_are_everybody_who_entered_under_each_condition(tmp_path):
    people = people_of(with_its_people(finished(tmp_path / "a", {"seed": 3}), seed=3))
    assert people.groupby("condition").size().to_dict() == {"rebalanced": 4, "skewed": 4}
    last = people[(people["condition"] == "rebalanced") & (people["image_id"] == "i3")].iloc[0]
    assert pd.isna(last["rank"])
    assert not last["winner"]
    assert last["bracket"] == "all"
    skewed = people[people["condition"] == "skewed"].set_index("image_id")
    assert skewed["error"].iloc[:3].tolist() == [1.0, -1.0, 1.0]
    assert skewed["person"].tolist() == ["p", "p", "i2", "i3"]
    assert people_of(finished(tmp_path / "b", {"seed": 0})) is None


def test_contestants_shared_by_all_seeds_are_told_in_the_dose_table(tmp_path):
    for first, expected in ((0, "same"), (100, "redrawn")):
        runs = [
            with_its_people(
                finished(tmp_path / f"{first}-{seed}-{share}", {"seed": seed}, share=share),
                seed=seed,
                first=first * seed,
            )
            for seed in (0, 1, 2)
            for share in (0.5, 0.9)
        ]
        if first:  # the same person_id would be the same person in every seed
            for run, seed in zip(runs, (0, 0, 1, 1, 2, 2), strict=True):
                manifest = run.table("manifest")
                run.write_tables(manifest=manifest.assign(person_id=manifest["person_id"] + str(seed)))
        table, _ = run_table(runs)
        dose = dose_table(table, CONDITIONS, contests_of(runs))
        assert set(dose["contestants"]) == {expected}


def test_two_sweeps_with_folders_of_one_name_are_so_many_runs(tmp_path):
    runs = [finished(tmp_path / sweep / "run", {"seed": seed}) for seed, sweep in enumerate("ab")]
    table, _ = run_table(runs)
    assert table["folder"].nunique() == 2
