"""Who may import whom, read with ast. A room that the table does not know fails."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "judge"
# room → rooms it may import, besides itself and what is open to all: judge.errors, judge.extras, judge.storage
ALLOWED = {
    "errors": set(),
    "extras": set(),
    "storage": set(),
    "data": set(),
    "jury": {"data"},
    "generator": {"data", "jury.network", "jury.faces", "fairness.counts", "fairness.inference"},
    "mitigation": {"data", "jury.network.losses", "jury.ridge", "jury.scaling", "generator", "privacy"},
    "contest": {"data.tables", "data.brackets"},
    "fairness": {"contest", "data.tables", "data.brackets", "data.spreadsheets", "data.user_tables"},
    "privacy": {"data", "jury", "generator", "contest", "fairness.counts", "fairness.inference"},
    "report": {"data.tables", "data.picture_files", "contest", "fairness"},
    "experiment": {"data", "jury", "generator", "mitigation", "contest", "fairness", "privacy", "report"},
    "publication": {"data", "experiment.api", "experiment.run_folder", "fairness"},
    "reranking": {"data", "contest", "mitigation"},
    "cli": {
        "experiment",
        "data",
        "jury",
        "generator",
        "privacy",
        "fairness",
        "report",
        "reranking",
        "publication",
    },
    "__init__": {"experiment", "fairness", "reranking"},
    "__main__": {"cli"},
}
OPEN_TO_ALL = {"errors", "extras", "storage", "__version__"}
TORCH_FREE = {"__init__", "errors", "extras", "contest", "fairness", "publication", "report", "reranking"}
HEAVY = {"torch", "timm", "torchvision", "lightning_fabric"}
#: files of other rooms that a command without a network imports
TORCH_FREE_FILES = {
    "experiment/settings.py",
    "experiment/run_folder.py",
    "experiment/compare.py",
    *(f"experiment/runs/{name}.py" for name in ("contests", "index", "listing", "people", "rows")),
    "data/tables.py",
    "data/picture_files.py",
    "data/light.py",
    "data/spreadsheets.py",
}
FILES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_it_may(path):
    room = room_of(path)
    assert room in ALLOWED, f"the room {room} has no line in the table of who may import whom"
    allowed = ALLOWED[room] | OPEN_TO_ALL | {room}
    for name in imported(path):
        if not name.startswith("judge."):
            continue
        target = name.removeprefix("judge.")
        assert any(target == a or target.startswith(a + ".") for a in allowed), f"{room} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_torch_is_imported_only_where_a_network_is(path):
    if (
        room_of(path) in TORCH_FREE
        or path.parent.name == "user_tables"
        or (path.parent.parent.name == "mitigation" and path.parent.name in ("pools", "ranking", "scores"))
        or str(path.relative_to(ROOT)) in TORCH_FREE_FILES
    ):
        assert not [name for name in imported(path) if name.split(".")[0] in HEAVY]


def test_no_room_holds_fifteen_files_of_its_own():
    rooms = {path.parent for path in FILES}
    full = {str(room.relative_to(ROOT)): len(list(room.glob("*.py"))) for room in rooms}
    assert {room: n for room, n in full.items() if n >= 15} == {}


def test_every_package_is_installed():
    import tomllib

    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    there = {".".join(path.parent.relative_to(ROOT.parent).parts) for path in ROOT.rglob("__init__.py")}
    assert set(project["tool"]["setuptools"]["packages"]) == there | {"judge.conf"}
