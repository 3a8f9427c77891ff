"""Tables that people bring: CSV, Parquet, workbooks; of spreadsheets, other programs, other machines. No guessing.

A column never takes its neighbour's values, an identifier never becomes a number, and a group named NA stays a group.
Of a CSV every cell is text, and only an empty one is missing; what is to be a number is asked for (`numbers`). Whatever
was mended on the way is said by count in `UserTable.notes`; what can be read in two ways is refused with the place and
the way out. `reading` has the one function that all who read such tables call, `columns` the checks of one column,
which can be had alone by who reads the columns otherwise.
"""

from judge.data.user_tables.columns import (
    EXACT,
    LARGEST,
    MISSING_NUMBERS,
    case_note,
    name_of,
    numbers,
    texts,
    typed,
)
from judge.data.user_tables.encodings import decoded
from judge.data.user_tables.identity import ID_COLUMNS, PERSON_COLUMNS, person_columns
from judge.data.user_tables.reading import CSV, PARQUET, TABLES, read_user_table, user_columns
from judge.data.user_tables.table import UserTable

__all__ = [
    "CSV",
    "EXACT",
    "ID_COLUMNS",
    "LARGEST",
    "MISSING_NUMBERS",
    "PARQUET",
    "PERSON_COLUMNS",
    "TABLES",
    "UserTable",
    "case_note",
    "decoded",
    "name_of",
    "numbers",
    "person_columns",
    "read_user_table",
    "texts",
    "typed",
    "user_columns",
]
