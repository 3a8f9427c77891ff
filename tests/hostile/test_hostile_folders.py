"""Hostile folders from seeds: no traceback; no child, nobody who withdrew is let through; nobody else is lost."""

from pathlib import Path

from hostile_folders import hostile_folder

from judge.data.readers.folder import read_folder
from judge.errors import InputError

SEEDS = 60


def faults(seed, root):
    """(crash, silent, let through) of one folder, None each where there is none."""
    made = hostile_folder(seed, root)
    try:
        data = read_folder(root, exclude=made.exclude, check=("header", "decode")[seed % 2])
    except InputError as error:
        return None, f"refused: {error}", None
    except Exception as error:  # this is what is counted
        return repr(error), None, None
    read = {Path(path).read_bytes(): group for path, group in data.manifest[["path", "ethnicity"]].to_numpy()}
    through = [made.banned[content] for content in read if content in made.banned]
    lost = [group for content, group in made.stay.items() if read.get(content) != group]
    unsaid = [item for item in made.odd if item not in set(data.excluded["item"])]
    return None, (lost, unsaid) if lost or unsaid else None, through or None


def test_children_and_who_withdrew_are_out_and_everybody_else_is_in(tmp_path):
    found = {}
    for seed in range(SEEDS):
        (tmp_path / str(seed)).mkdir()
        found[seed] = faults(seed, tmp_path / str(seed))
    crashes, silent, through = (
        {seed: told[i] for seed, told in found.items() if told[i] is not None} for i in range(3)
    )
    assert (crashes, silent, through) == ({}, {}, {})
