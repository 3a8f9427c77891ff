"""Rendering into the cache: same bytes in any process and order, restartable, whole files only."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from judge.data.parametric.cache import key_of, picture_paths, render_missing
from judge.data.parametric.people.population import persons, sample
from judge.data.parametric.picture import drawing, render
from judge.errors import InputError

N, SIZE = 6, 32


@pytest.fixture(scope="module")
def people():
    return sample(N, seed=31, mode="natural", camera="varied", photo_rule_breakers=0.5)


def placed(people, folder, size=SIZE, picture_format="jpeg"):
    return people.join(picture_paths(people, size=size, picture_format=picture_format, cache_dir=folder))


def contents(folder):
    return {p.name: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


@pytest.mark.slow
def test_two_processes_and_two_orders_give_the_same_bytes(people, tmp_path):
    forward, backward = placed(people, tmp_path / "a"), placed(people.iloc[::-1], tmp_path / "b")
    assert render_missing(forward, size=SIZE, workers=1, progress=False) == N
    # two fresh processes, backwards, from a table read back from a file
    backward.to_parquet(tmp_path / "b.parquet")
    assert render_missing(pd.read_parquet(tmp_path / "b.parquet"), size=SIZE, workers=2, progress=False) == N
    (tmp_path / "b.parquet").unlink()
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(contents(tmp_path / "a")) == N


@pytest.mark.slow
def test_a_rendering_process_starts_without_pandas_or_torch():
    code = (
        "import sys, judge.data.parametric.picture.drawing\n"
        "print([name for name in ('pandas', 'pandera', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_what_is_missing_is_drawn(people, tmp_path):
    table = placed(people, tmp_path)
    assert render_missing(table.head(2), size=SIZE, workers=1, progress=False) == 2
    before = Path(table["path"].iloc[0]).stat().st_mtime_ns
    assert render_missing(table.head(3), size=SIZE, workers=1, progress=False) == 1
    assert Path(table["path"].iloc[0]).stat().st_mtime_ns == before
    assert render_missing(table.head(3), size=SIZE, workers=1, progress=False) == 0


def test_a_rendering_killed_half_way_leaves_whole_files_and_goes_on(people, tmp_path, monkeypatch):
    table = placed(people, tmp_path)
    drawn = []

    def until_the_third(person, size, ending):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(person)
        return b"x" * 10

    monkeypatch.setattr(drawing, "picture_bytes", until_the_third)
    with pytest.raises(KeyboardInterrupt):
        render_missing(table, size=SIZE, workers=1, progress=False)
    assert len(contents(tmp_path)) == 2
    monkeypatch.setattr(drawing, "picture_bytes", lambda *_: b"y" * 10)
    assert render_missing(table, size=SIZE, workers=1, progress=False) == N - 2
    assert len(contents(tmp_path)) == N


def test_what_a_killed_rendering_left_is_removed_by_the_next_a_day_later(people, tmp_path):
    table = placed(people.head(1), tmp_path)
    left = Path(table["path"].iloc[0]).parent / ".part-killed"
    left.mkdir(parents=True)
    (left / "half.jpg").touch()
    for place in (left / "half.jpg", left):
        os.utime(place, (0, 0))
    render_missing(table, size=SIZE, workers=1, progress=False)
    assert list(contents(tmp_path)) == [Path(table["path"].iloc[0]).name]


def test_two_rows_with_one_picture_are_drawn_once(people, tmp_path):
    twice = placed(people.iloc[[0, 0, 1]].reset_index(drop=True), tmp_path)
    assert render_missing(twice, size=SIZE, workers=1, progress=False) == 2


def test_the_key_stands_for_parameters_size_format_and_version(people, monkeypatch):
    person = persons(people)[0]
    key = key_of(person, 96, "jpeg")
    assert key == key_of(dict(reversed(person.items())), 96, "jpeg")
    others = [
        key_of(person, 97, "jpeg"),
        key_of(person, 96, "png"),
        key_of({**person, "melanin": person["melanin"] + 1e-5}, 96, "jpeg"),
    ]
    monkeypatch.setattr(render, "VERSION", render.VERSION + 1)
    others.append(key_of(person, 96, "jpeg"))
    assert len({key, *others}) == 5


def test_people_who_are_neither_in_the_key_nor_in_the_picture_share_a_file(people, tmp_path):
    other_names = people.assign(person_id="x", ethnicity="y")
    assert placed(other_names, tmp_path)["content_hash"].equals(placed(people, tmp_path)["content_hash"])


@pytest.mark.parametrize("size", [31, 513, 64.5])
def test_sizes_beyond_32_to_512_are_refused(people, size):
    with pytest.raises(InputError, match="32 to 512"):
        picture_paths(people, size=size)


@pytest.mark.parametrize("workers", [0, -1, 1.5])
def test_a_number_of_workers_that_cannot_be_is_refused(people, tmp_path, workers):
    with pytest.raises(InputError, match="workers"):
        render_missing(placed(people, tmp_path), size=SIZE, workers=workers)


def test_an_unknown_format_is_refused(people):
    with pytest.raises(InputError, match="bmp"):
        picture_paths(people, size=SIZE, picture_format="bmp")


def test_pictures_lie_in_the_root_of_all_caches_unless_a_folder_is_named(people, monkeypatch, tmp_path):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path))
    there = picture_paths(people, size=SIZE)["path"]
    assert there.tolist() == placed(people, tmp_path / "parametric")["path"].tolist()
