"""Letters that the figures' own font lacks, from fonts of the machine: group names in any script can be read.

DejaVu Sans comes with matplotlib and draws Latin, Greek, Cyrillic, Arabic and Hebrew the same on every machine. Names
in other scripts (Chinese, Devanagari, Thai …) take a font of the system, or of a fontpkg-… package, that has all their
letters; only the texts that need it get it, so that all other figures stay the same bytes. Right-to-left order, joined
and stacked letters are matplotlib's work (libraqm and HarfBuzz, from 3.11 on). Where there is no font the letters are
boxes, and one warning a script says what to install.
"""

from __future__ import annotations

import functools
import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from matplotlib import font_manager, ft2font
from matplotlib.figure import Figure
from matplotlib.text import Text

log = logging.getLogger("judge")

OWN = "DejaVu Sans"
#: Scripts that share one font, by the first word of their letters' Unicode names.
EAST_ASIAN = {"CJK": "SC", "IDEOGRAPHIC": "SC", "FULLWIDTH": "SC", "HALFWIDTH": "JP", "HIRAGANA": "JP",
              "KATAKANA": "JP", "HANGUL": "KR", "BOPOMOFO": "TC"}  # fmt: skip
#: Scripts that a fontpkg-noto-sans-… package has.
PACKAGED = ("ARABIC", "DEVANAGARI", "KHMER", "TAMIL", "TELUGU", "THAI")
#: Scripts whose letters join or stack: right only where matplotlib shapes text.
SHAPED = ("ARABIC", "DEVANAGARI", "BENGALI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "LAO", "MALAYALAM", "MYANMAR",
          "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU", "THAI", "TIBETAN")  # fmt: skip
_STYLES = re.compile(
    r"bold|italic|oblique|light|thin|black|medium|condensed|mono|serif|demi|semi|extra|emoji", re.IGNORECASE
)


def give_fonts(figure: Figure) -> None:
    """Gives each text of the figure with letters that the own font lacks fonts that have them.

    Call it when all texts exist, and before the figure is laid out: other letters have other widths. Scripts without a
    font are told in the log, once each.
    """
    own = _own_letters()
    for text in figure.findobj(Text):
        lacking = {c for c in text.get_text() if ord(c) not in own and c.isprintable() and not c.isspace()}
        shaped = {script_of(c) for c in text.get_text() if ord(c) > 0x5FF}
        if not hasattr(ft2font, "__libraqm_version__"):
            for script in sorted(shaped.intersection(SHAPED)):
                _warn_unshaped(script)
        if not lacking:
            continue
        by_script: dict[str, set[str]] = {}
        for letter in lacking:
            by_script.setdefault(script_of(letter), set()).add(letter)
        families = []
        for script, letters in sorted(by_script.items()):
            family = _family_for(script, "".join(sorted(letters)))
            if family is None:
                _warn_missing(script, "".join(sorted(letters)[:6]))
            else:
                families.append(family)
        if families:
            text.set_fontfamily([OWN, *dict.fromkeys(families)])
            if not all(_has_bold(family) for family in families):
                text.set_fontweight("normal")


def script_of(letter: str) -> str:
    """The first word of the letter's name in Unicode, which names its script: CJK, DEVANAGARI; SYMBOLS for no letter.

    Examples
    --------
    >>> script_of("文"), script_of("ह"), script_of("a")
    ('CJK', 'DEVANAGARI', 'LATIN')
    """
    if unicodedata.category(letter)[0] not in "LMN":
        return "SYMBOLS"
    return unicodedata.name(letter, "UNKNOWN").split()[0].split("-")[0]


@functools.cache
def _own_letters() -> frozenset[int]:
    """Letters that the own font has, regular and bold."""
    files = [font_manager.findfont(f"{OWN}:{weight}") for weight in ("regular", "bold")]
    regular, bold = (frozenset(font_manager.get_font(file).get_charmap()) for file in files)
    return regular & bold


@functools.lru_cache(maxsize=256)
def _family_for(script: str, letters: str) -> str | None:
    """A family that has all these letters; None where no font has."""
    wanted = {ord(letter) for letter in letters}
    for file in _candidates(script):
        if not wanted <= _letters_in(file):
            continue
        for face in (file, file.with_name(file.name.replace("Regular", "Bold"))):
            if face.is_file() and not any(
                entry.fname == str(face) for entry in font_manager.fontManager.ttflist
            ):
                font_manager.fontManager.addfont(
                    face
                )  # installed since matplotlib last looked, or in a package
        names = [entry.name for entry in font_manager.fontManager.ttflist if entry.fname == str(file)]
        if names:  # a collection has a face for each region
            return next((name for name in names if name.endswith(f" {EAST_ASIAN.get(script)}")), names[0])
    return None


def _has_bold(family: str) -> bool:
    bold = ("bold", "semibold", "heavy", "black")
    return any(
        entry.name == family
        and (entry.weight in bold or (str(entry.weight).isdigit() and int(entry.weight) >= 600))
        for entry in font_manager.fontManager.ttflist
    )


@functools.lru_cache(maxsize=64)
def _letters_in(file: Path) -> frozenset[int]:
    try:
        return frozenset(ft2font.FT2Font(file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def _candidates(script: str) -> Iterator[Path]:
    """Font files of the machine, the likeliest first: named after the script, sans, of plain style."""
    word = "CJK" if script in EAST_ASIAN else script
    files = {Path(file) for file in font_manager.findSystemFonts()} | set(_packaged())

    def order(file: Path) -> tuple[bool, bool, bool, str]:
        name = file.stem
        return word.lower() not in name.lower(), bool(_STYLES.search(name)), "sans" not in name.lower(), name

    yield from sorted(files, key=order)


def _packaged() -> Iterable[Path]:
    """Files of installed fontpkg-… packages: Noto and other open families, as Python packages."""
    try:
        import fontpkg
    except ImportError:
        return []
    found = fontpkg.families()
    families = found.values() if isinstance(found, dict) else found
    return [fontpkg.path(getattr(family, "name", family)) for family in families]


def package_for(script: str) -> str:
    """Which packages have a font of the script, in a sentence."""
    if script in EAST_ASIAN:
        return "Noto Sans CJK (Debian and Ubuntu: fonts-noto-cjk)"
    package = f"; pip install fontpkg-noto-sans-{script.lower()}" if script in PACKAGED else ""
    return f"Noto Sans {script.title()} (Debian and Ubuntu: fonts-noto-core{package})"


#: Scripts that were warned of.
_told: set[str] = set()


def _warn_missing(script: str, letters: str) -> None:
    if script in _told:
        return
    _told.add(script)
    named = "Chinese, Japanese or Korean" if script in EAST_ASIAN else script.title()
    log.warning(
        "figures: no font here has the %s letters %s, which are drawn as boxes in PNG and PDF; install %s",
        named, letters, package_for(script),
    )  # fmt: skip


@functools.cache
def _warn_unshaped(script: str) -> None:
    log.warning(
        "figures: %s letters are not joined as they should be; matplotlib 3.11 or later does so",
        script.title(),
    )
