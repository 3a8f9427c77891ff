"""Hostile tables from seeds: no traceback, nobody's value changed in silence, nothing ambiguous let through."""

import numpy as np
import pandas as pd
from hostile_tables import damaged_table, hostile_table

from judge.data.spreadsheets import csv_bytes
from judge.data.user_tables import read_user_table, user_columns
from judge.errors import InputError

SEEDS = 300


def outcome(made, folder):
    """refused, crash, right, or wrong with what was read."""
    path = folder / made.name
    path.write_bytes(made.content)
    try:
        table = read_user_table(path)
        assert set(user_columns(path)) >= set(table.frame)
        names = {name: table.texts(name) for name in ("id", "group", "place")}
        scores, wrong = table.numbers("score")
    except InputError:
        return "refused", ""
    except Exception as error:
        return "crash", repr(error)
    if wrong.any():
        return "told", ""
    for name, given in names.items():
        if given.astype(object).where(given.notna(), None).tolist() != [
            person[name] for person in made.people
        ]:
            return "wrong", given.tolist()
    expected = [np.nan if person["score"] is None else float(person["score"]) for person in made.people]
    return ("right", "") if np.array_equal(scores, expected, equal_nan=True) else ("wrong", scores.tolist())


def test_what_is_written_in_one_way_is_read_and_what_is_not_is_refused(tmp_path):
    made = {seed: hostile_table(seed) for seed in range(SEEDS)}
    found = {seed: outcome(one, tmp_path) for seed, one in made.items()}
    crashes = {seed: (made[seed].how, *told) for seed, told in found.items() if told[0] == "crash"}
    silent = {
        seed: (made[seed].how, *told)
        for seed, told in found.items()
        if made[seed].fair and told[0] != "right"
    }
    through = {
        seed: (made[seed].how, *told)
        for seed, told in found.items()
        if not made[seed].fair and told[0] not in ("refused", "told")
    }
    assert (crashes, silent, through) == ({}, {}, {})
    assert len({one.how for one in made.values()}) == 19  # every kind was made
    assert sum(told[0] == "right" for told in found.values()) > SEEDS / 2


def test_damage_never_ends_in_a_traceback(tmp_path):
    crashes = {}
    for seed in range(SEEDS):
        name, content = damaged_table(seed)
        (tmp_path / name).write_bytes(content)
        for call in (read_user_table, user_columns):
            try:
                call(tmp_path / name)
            except InputError as error:
                if "\n" in str(error) or len(str(error)) > 1000:
                    crashes[seed] = "more than a line"
            except Exception as error:
                crashes[seed] = repr(error)
    assert crashes == {}


def test_what_is_written_comes_back(tmp_path):
    for seed in range(100):
        people = hostile_table(seed).people
        table = pd.DataFrame(people)
        (tmp_path / "t.csv").write_bytes(csv_bytes(table))
        back = read_user_table(tmp_path / "t.csv").frame
        given = [{k: v and v.replace("\r\n", "\n") for k, v in person.items()} for person in people]
        read = back.astype(object).where(back.notna(), None).to_dict("records")
        assert [{k: v and v.replace("\r\n", "\n") for k, v in row.items()} for row in read] == given, seed
