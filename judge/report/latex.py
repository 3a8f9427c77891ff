"""The short tables of an audit for a paper: LaTeX with booktabs, and nothing in a name that LaTeX would run."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from judge.report.compact import Compact

if TYPE_CHECKING:
    from judge.report.html import Table

#: What LaTeX reads as a command, and signs that its fonts of text lack.
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "−": r"$-$", "×": r"$\times$", "∞": r"$\infty$", "–": "--", "—": "---",
    "[": "{[}", "*": "{*}", "`": r"\textasciigrave{}",  # after a line's end the first two are options of it
    "…": r"\dots{}", "’": "'", "≤": r"$\leq$", "≥": r"$\geq$", "·": r"$\cdot$",
}  # fmt: skip
#: Groups from which on a table is too long for a page and may break.
LONG = 35


def latex_tables(tables: Sequence[Compact], *, caption: str) -> str:
    r"""The tables as LaTeX source, to be read in with ``\input``.

    Parameters
    ----------
    tables : sequence of Compact
        As from `judge.report.compact.compact_tables`.
    caption : str
        Said of each table before what it shows.

    Returns
    -------
    str
        One floating table each (a longtable from 36 groups on), with a comment that names the packages. Specials of
        LaTeX in names are escaped and control characters left out. Names beyond Latin letters need LuaLaTeX or XeLaTeX
        and a font that has them.

    Examples
    --------
    >>> short = Compact("race", "won", "winners", ("group", "winners"), (("R&B_50%", "3"),))
    >>> print(latex_tables([short], caption="Audit"))  # doctest: +ELLIPSIS
    % \usepackage[T1]{fontenc} \usepackage{booktabs} \usepackage{graphicx}
    ...
    R\&B\_50\% & 3 \\
    ...
    """
    longs = any(len(table.rows) > LONG for table in tables)
    packages = ["[T1]{fontenc}", "{booktabs}", "{longtable}" if longs else "{graphicx}"]
    if longs and any(len(table.rows) <= LONG for table in tables):
        packages.append("{graphicx}")
    head = "% " + " ".join(rf"\usepackage{name}" for name in packages)
    return "\n\n".join([head, *[_table(table, caption, i) for i, table in enumerate(tables, 1)]]) + "\n"


def _table(table: Compact, caption: str, i: int) -> str:
    what = "who entered and who won" if table.kind == "winners" else "scores"
    note = f"; {table.note}" if table.note else ""
    more = f"; {table.more} smaller groups left out" if table.more else ""
    said = escaped(
        f"{caption}: {what} by {table.feature} ({table.score}){note}{more}. In brackets: intervals."
    )
    columns = "l" + "r" * (len(table.headings) - 1)
    heads = " & ".join(escaped(name) for name in table.headings) + r" \\"
    body = [" & ".join(escaped(cell) for cell in row) + r" \\" for row in table.rows]
    label = rf"\label{{tab:audit-{i}}}"
    return _set(columns, heads, body, said, label)


def _set(columns: str, heads: str, body: Sequence[str], said: str, label: str) -> str:
    """The lines as a floating table, or a longtable where they are too many for a page."""
    if len(body) > LONG:
        return "\n".join(
            [r"{\footnotesize", rf"\begin{{longtable}}{{{columns}}}", rf"\caption{{{said}}}{label}\\", r"\toprule",
             heads, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *body, r"\end{longtable}}"]
        )  # fmt: skip
    return "\n".join(
        [r"\begin{table}", r"\centering", rf"\caption{{{said}}}{label}", r"\resizebox{\ifdim\width>\linewidth\linewidth"
         r"\else\width\fi}{!}{%", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", heads, r"\midrule", *body,
         r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    )  # fmt: skip


def escaped(text: object) -> str:
    r"""Text that LaTeX prints as it is.

    Examples
    --------
    >>> escaped(r"a_b & 50% \input{x}")
    'a\\_b \\& 50\\% \\textbackslash{}input\\{x\\}'
    """
    return "".join(
        _SPECIAL.get(c, " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c)
        for c in str(text)
    )


def latex_table(table: Table, *, label: str) -> str:
    r"""A table of a page as LaTeX source, to be read in with ``\input``: booktabs, numbers set flush right.

    Parameters
    ----------
    table : judge.report.html.Table
        Intervals are in its cells, in brackets as on the page.
    label : str
        For ``\ref``; letters, digits, hyphens.

    Returns
    -------
    str
        A floating table (a longtable from 36 rows on) with a comment that names the packages.

    Examples
    --------
    >>> from judge.report.html import Column, Table
    >>> short = Table("Winners.", [Column("group", numeric=False), Column("share")], [["R&B", "12 % [3, 20]"]])
    >>> print(latex_table(short, label="tab:winners"))  # doctest: +ELLIPSIS
    % \usepackage[T1]{fontenc} \usepackage{booktabs} \usepackage{graphicx}
    ...
    R\&B & 12 \% {[}3, 20] \\
    ...
    """
    columns = "".join("r" if column.numeric else "l" for column in table.columns)
    heads = " & ".join(escaped(column.heading) for column in table.columns) + r" \\"
    body = [" & ".join(escaped(cell) for cell in row) + r" \\" for row in table.rows]
    said = escaped(f"{table.caption} {table.note}".strip())
    extra = "{longtable}" if len(table.rows) > LONG else "{graphicx}"
    head = rf"% \usepackage[T1]{{fontenc}} \usepackage{{booktabs}} \usepackage{extra}"
    return head + "\n\n" + _set(columns, heads, body, said, rf"\label{{{label}}}") + "\n"
