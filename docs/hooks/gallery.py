"""The gallery: every examples/plot_*.py is run, and a page shows its words, its code, what it printed and drew.

An example is a module docstring (first line: what it shows) and code that leaves its figures open. What came out is
kept in .cache/gallery for as long as neither the example nor the package changes.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import runpy
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

TOP = Path(__file__).parents[2]
CACHE = TOP / ".cache/gallery"
WORDS = """\
# Gallery

One idea each, in 30 to 60 lines of Python, run when these pages were built. Sizes are small so that all of them
together take a minute: they show how a thing is done, and prove nothing. What was measured stands in
[results](../results.md).

"""


@dataclass(frozen=True)
class Shown:
    """What an example printed, its figures as SVG, and the seconds that it took."""

    printed: str
    figures: list[str]
    seconds: float


def examples() -> list[Path]:
    """The files of the gallery, in the order in which they are shown."""
    return sorted((TOP / "examples").glob("plot_*.py"))


def on_config(config: Any) -> Any:
    """The navigation with a line for each example."""
    pages = [{title(path): f"gallery/{path.stem}.md"} for path in examples()]
    for entry in config.nav:
        if isinstance(entry, dict) and entry.get("Gallery") == "gallery/index.md":
            entry["Gallery"] = ["gallery/index.md", *pages]
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """The files of the site with the pages and figures of the gallery."""
    cards = []
    for path in examples():
        shown = run(path)
        for i, figure in enumerate(shown.figures):
            files.append(File.generated(config, f"gallery/{path.stem}_{i}.svg", content=figure))
        files.append(File.generated(config, f"gallery/{path.stem}.md", content=page(path, shown)))
        picture = f'<img src="{path.stem}_0.svg" alt="">' if shown.figures else ""
        cards.append(f'<a href="{path.stem}.html">{picture}{title(path)}</a>')
    index = WORDS + '<div class="gallery">\n' + "\n".join(cards) + "\n</div>\n"
    files.append(File.generated(config, "gallery/index.md", content=index))
    return files


def run(path: Path) -> Shown:
    """Runs an example in an empty folder, or reads what came out the last time. What it raises ends the build."""
    kept = CACHE / f"{path.stem}-{_state(path)}.json"
    if kept.is_file():
        return Shown(**json.loads(kept.read_text(encoding="utf-8")))
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    printed, figures, began = io.StringIO(), [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(str(path))
        for number in plt.get_fignums():
            svg = io.StringIO()
            plt.figure(number).savefig(svg, format="svg", bbox_inches="tight")
            figures.append(svg.getvalue())
        plt.close("all")
    shown = Shown(printed.getvalue(), figures, round(time.perf_counter() - began, 1))
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob(f"{path.stem}-*.json"):
        old.unlink()
    kept.write_text(json.dumps(asdict(shown)), encoding="utf-8")
    return shown


def title(path: Path) -> str:
    """The first line of the example's docstring."""
    return _docstring(path).splitlines()[0].rstrip(".")


def page(path: Path, shown: Shown) -> str:
    """The example as a page."""
    _, _, words = _docstring(path).partition("\n")
    code = path.read_text(encoding="utf-8").split('"""', 2)[2].strip()
    parts = [f"# {title(path)}", words.strip(), f'```python title="examples/{path.name}"\n{code}\n```']
    parts += [f"![{title(path)}]({path.stem}_{i}.svg)" for i in range(len(shown.figures))]
    if shown.printed.strip():
        parts.append(f"```text\n{shown.printed.rstrip()}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _docstring(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not text:
        raise ValueError(f"{path} has no docstring to name it")
    return text


def _state(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for room in ("judge", "conf"):
        for file in sorted((TOP / room).rglob("*")):
            if file.suffix in (".py", ".yaml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
