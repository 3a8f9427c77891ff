"""Whose face is on a page."""

import numpy as np
import pytest

from judge.report.conditions import with_order
from judge.report.html import Fold, Text
from judge.report.sections.entrants import contestants
from judge.report.sections.faces import face_blocks


def people(run_tables):
    table = contestants(run_tables["manifest"], run_tables["ranking"], "ethnicity")
    return with_order(table, ["untouched", "evened"])


def shown(blocks):
    found = []
    for block in blocks:
        if isinstance(block, Fold):
            found += shown(block.blocks)
        elif block.block == "faces":
            found += [face.label for _, faces in block.groups for face in faces]
    return found


def test_faces_of_people_who_do_not_exist_are_shown_and_a_winner_of_the_baseline_once(run_tables):
    blocks = face_blocks(people(run_tables), show_faces=False)
    assert len(shown(blocks[:1])) == 4
    assert blocks[1].summary == "Winners under evened who did not win under untouched: 1 of 4"
    assert len(shown(blocks[1:])) == 1  # e3; the others won under the baseline too


def test_a_condition_with_the_same_winners_says_so_in_words(run_tables):
    same = people(run_tables)
    same["winner"] = same["image_id"].isin(["e0", "e6"])
    assert face_blocks(same, show_faces=False)[1] == Text(
        "Winners under evened: nobody who did not win under untouched."
    )


@pytest.mark.parametrize("source", ["photo", None, "unheard of"])
def test_faces_of_real_people_are_not_shown_unless_asked_for(run_tables, source):
    real = people(run_tables).assign(source=source)
    blocks = face_blocks(real, show_faces=False)
    assert shown(blocks) == []
    assert "4 of 4 are real people and are not shown" in blocks[0].text
    assert len(shown(face_blocks(real, show_faces=True))) == 5


def test_of_a_mixed_contest_only_the_faces_of_nobody_are_shown(run_tables):
    mixed = people(run_tables)
    mixed["source"] = np.where(mixed["group"] == "dark", "photo", "generated")
    assert (
        len(shown(face_blocks(mixed, show_faces=False))) == 3
    )  # the light winners of the baseline; e3 is dark
