"""Which pictures lie below an address, by the rules of a folder on this machine (`readers.walking`)."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from judge.data.readers.walking import OTHER_FORMATS, PICTURES, Walk, advice_for
from judge.data.user_tables import UserTable, read_user_table
from judge.errors import InputError
from judge.storage import write_bytes
from judge.storage.stores import filesystem, reaching, read_url

#: Endings of what is taken for a table, and not for a folder.
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")


def is_table(url: str) -> bool:
    """Whether the address is that of a table, by its ending: a store has no folders that could be told from files."""
    return url.lower().endswith(TABLES)


def pictures_at(url: str) -> tuple[Walk, list[str]]:
    """What is below an address, and the addresses of `Walk.pictures`; names are relative to it.

    Hidden names are left out and other formats set aside, as in a folder of this machine. Raises InputError where the
    store cannot be reached or holds nothing there.
    """
    fs, top = filesystem(url)
    found: list[str] = []
    with reaching(url), suppress(FileNotFoundError):  # which is raised for a bucket that is not there
        fs.invalidate_cache()
        found = fs.find(top)
    top = top.rstrip("/")
    walk, keys = Walk(), {}
    for key in sorted(found):
        name = str(key)[len(top) :].lstrip("/") if top else str(key).lstrip("/")
        if not name or name.endswith("/"):  # an empty object that some programs put where a folder would be
            continue
        ending = PurePosixPath(name).suffix.lower()
        if any(part.startswith(".") for part in name.split("/")):
            walk.hidden.append(name)
        elif ending in PICTURES:
            keys[name] = fs.unstrip_protocol(key)
        elif ending in OTHER_FORMATS:
            walk.set_aside.append((name, "picture format not read", advice_for(ending)))
        else:
            walk.others[ending] += 1
    if not found:
        raise InputError(f"there is nothing at {url}")
    walk.pictures = sorted(keys)
    return walk, [keys[name] for name in walk.pictures]


def table_at(url: str) -> UserTable:
    """The table at an address, as `read_user_table` reads one of this machine. Raises InputError."""
    try:
        content = read_url(url)
    except FileNotFoundError:
        raise InputError(f"no such file: {url}") from None
    with tempfile.TemporaryDirectory(prefix="judge-") as room:
        file = Path(room) / PurePosixPath(url).name
        write_bytes(file, content)
        try:
            return read_user_table(file)
        except InputError as error:
            raise InputError(str(error).replace(str(file), url)) from error
