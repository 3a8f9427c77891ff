"""The page of changes from finished runs: which setting has nothing planted, whose faces are shown, what is refused."""

import pytest
from finished_runs import finished

from judge.errors import InputError
from judge.experiment.compare import run_table
from judge.experiment.runs.changes import _settings_of, compare_changes


def sweep(folder, seeds=3):
    return [
        finished(folder / f"{share}-{shift}-{seed}", seed=seed, share=share, shift=shift)
        for share in (0.9, 0.34)
        for shift in (-0.5, None)
        for seed in range(seeds)
    ]


def test_the_first_setting_is_the_one_without_anything_planted(tmp_path):
    runs, factors = run_table(sweep(tmp_path))
    of_run, levels = _settings_of(runs, factors)
    assert levels == [
        {"share": 0.34, "shift": None}, {"share": 0.9, "shift": None},
        {"share": 0.34, "shift": -0.5}, {"share": 0.9, "shift": -0.5},
    ]  # fmt: skip
    assert of_run["0.9--0.5-2"] == 3


def test_a_sweep_becomes_a_page_with_its_tables(tmp_path):
    sweep(tmp_path / "runs")
    page, said = compare_changes([tmp_path / "runs"], tmp_path / "out", group="asian")
    # the same person wins every contest of these runs: nothing moves, and every seed agrees
    nothing = "Nothing that was changed was seen to move the share of the winners who are asian, in 3 seeds."
    assert said[0] == nothing
    assert nothing in page.read_text(encoding="utf-8")
    assert (tmp_path / "out" / "changes.csv").is_file()
    assert (tmp_path / "out" / "arms.csv").is_file()


def test_faces_of_people_who_may_exist_are_not_shown_unasked(tmp_path):
    sweep(tmp_path / "runs")
    page, _ = compare_changes([tmp_path / "runs"], tmp_path / "out", group="asian")
    assert "data:image/jpeg" not in page.read_text(encoding="utf-8")


def test_a_group_that_nobody_belongs_to_and_a_folder_without_a_run_are_refused(tmp_path):
    sweep(tmp_path / "runs", seeds=1)
    with pytest.raises(
        InputError, match="--group elves: nobody of that group entered; there are 'african', 'asian'"
    ):
        compare_changes([tmp_path / "runs"], tmp_path / "out", group="elves")
    with pytest.raises(InputError, match=r"--beside .* no finished run there"):
        compare_changes([tmp_path / "runs"], tmp_path / "out", group="asian", beside=tmp_path)
