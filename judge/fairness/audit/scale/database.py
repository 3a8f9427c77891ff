"""DuckDB over the files of a table, within a memory limit and with a folder for what does not fit."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from judge import extras
from judge.errors import InputError
from judge.fairness.audit.scale.files import Files
from judge.storage import make_writable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What the audit out of core may use.

    Parameters
    ----------
    memory : str
        Of DuckDB, such as "1.5GB"; it spills to `temp` beyond. The audit's own arrays come on top, less than 1 GiB as
        a rule (see `people`).
    threads : int, optional
        Of DuckDB. None: one a core.
    temp : Path, optional
        Folder for sorted scores and what DuckDB spills; a folder in it is made and removed. None: the system's.
    people : int
        Most people whom one comparison collects; of more, a sample of so many.
    piece : int
        Rows of sorted scores that are read at a time.

    Raises
    ------
    InputError
        For a memory limit that is no size, and for fewer than one thread, person or row.

    Examples
    --------
    >>> Limits(memory="much")
    Traceback (most recent call last):
        ...
    judge.errors.InputError: the memory limit is a size such as 1.5GB or 800MB, not 'much'
    """

    memory: str = "1.5GB"
    threads: int | None = None
    temp: Path | None = None
    people: int = 1 << 22
    piece: int = 1 << 18

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", self.memory, re.IGNORECASE):
            raise InputError(f"the memory limit is a size such as 1.5GB or 800MB, not {self.memory!r}")
        for name in ("threads", "people", "piece"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is at least 1, not {value}")


class Database:
    """One connection; `source` is the text that stands for the table in a query.

    progress  called with what is being done, and how much of it is done where DuckDB knows
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        folder: Path,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.connection, self.files, self.folder = connection, files, folder
        self.progress = progress
        paths = ", ".join(quoted(_escaped(path), "'") for path in files.paths)
        # by name, DuckDB takes the type of a column that a file has no value of from the others
        united = ", union_by_name = true" if files.empty else ""
        self.source = f"read_parquet([{paths}], hive_partitioning = false{united})"

    def run(self, query: str) -> None:
        """Executes what gives no rows."""
        self._guarded(lambda: self.connection.execute(query))

    def rows(self, query: str) -> list[tuple]:
        """All rows of a small answer."""
        return self._guarded(lambda: self.connection.execute(query).fetchall())

    def table(self, query: str) -> pa.Table:
        """All rows of a small answer, as Arrow."""
        return self._guarded(lambda: self.connection.sql(query).to_arrow_table())

    def batches(self, query: str, size: int) -> Iterator[pa.RecordBatch]:
        """The rows of a large answer, so many at a time."""
        reader = self._guarded(lambda: self.connection.sql(query).to_arrow_reader(size))
        while True:
            batch = self._guarded(lambda: next(reader, None))
            if batch is None:
                return
            yield batch

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Tells `progress` what is being done, twice a second with the percentage."""
        if self.progress is None:
            yield
            return
        tell, over = self.progress, threading.Event()
        tell(what)

        def watch() -> None:
            while not over.wait(0.5):
                if (percent := self.connection.query_progress()) > 0:
                    tell(f"{what} {percent:.0f} %")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def register(self, name: str, table: pa.Table) -> None:
        """Makes an Arrow table known under a name."""
        self.connection.register(name, table)

    def _guarded(self, task: Callable[[], T]) -> T:
        import duckdb
        import pyarrow as pa

        try:
            return task()
        except (duckdb.OutOfMemoryException, pa.ArrowException) as error:
            if "out of memory" not in str(error).lower():  # of what streams, Arrow tells DuckDB's errors
                raise InputError(
                    f"{self.files.table} cannot be read as a table: {_first_line(error)}"
                ) from error
            raise InputError(
                f"DuckDB ran out of memory or of room on disk: allow it more (--memory), fewer --threads, or name a "
                f"larger folder (--temp): {_first_line(error)}"
            ) from error
        except (duckdb.Error, OSError) as error:
            raise InputError(f"{self.files.table} cannot be read as a table: {_first_line(error)}") from error


@contextmanager
def database(
    files: Files, limits: Limits, *, progress: Callable[[str], None] | None = None
) -> Iterator[Database]:
    """A connection over the files; its folder for temporary files is gone afterwards.

    Raises InputError where DuckDB is not installed, and for a temporary folder that cannot be written to.
    """
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            f"{extras.absence('scale', 'the audit out of core', ['duckdb'])} (or --engine memory, for one file that "
            "fits in memory)"
        ) from error
    if limits.temp is not None:
        make_writable(limits.temp)
    with tempfile.TemporaryDirectory(prefix="judge-audit-", dir=limits.temp) as folder:
        connection = duckdb.connect()
        try:
            connection.execute(f"SET memory_limit = {quoted(limits.memory, chr(39))}")
            if limits.threads is not None:
                connection.execute(f"SET threads = {limits.threads}")
            connection.execute(f"SET temp_directory = {quoted(str(Path(folder) / 'spilled'), chr(39))}")
            connection.execute("SET preserve_insertion_order = false")  # else rows wait for one another
            # it is counted, and not printed to standard output
            connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
            yield Database(connection, files, Path(folder), progress)
        finally:
            connection.close()


def quoted(text: str, mark: str = '"') -> str:
    """A name (") or a text (') of a query, whatever is in it."""
    return mark + text.replace(mark, 2 * mark) + mark


def _escaped(path: Path) -> str:
    """DuckDB takes every path for a glob."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _first_line(error: Exception) -> str:
    """What an error says, without DuckDB's advice behind it."""
    return next(iter(str(error).splitlines()), type(error).__name__)
