"""Who may import whom, read with ast."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "judge"
# room → rooms it may import (besides itself); judge.errors is open to all
ALLOWED = {
    "errors": set(),
    "data": set(),
    "jury": {"data"},
    "generator": {"data"},
    "mitigation": {"data"},
    "contest": {"data.tables"},
    "fairness": {"data.tables", "data.spreadsheets"},
    "report": {"data.tables", "fairness"},
}
TORCH_FREE = {"errors", "contest", "fairness", "report", "config", "rundir"}
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
    if room not in ALLOWED:
        return
    for name in imported(path):
        if not name.startswith("judge."):
            continue
        target = name.removeprefix("judge.")
        allowed = ALLOWED[room] | {room, "errors", "__version__"}
        assert any(target == a or target.startswith(a + ".") for a in allowed), f"{room} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_torch_is_imported_only_where_a_network_is(path):
    if room_of(path) in TORCH_FREE:
        heavy = [
            n
            for n in imported(path)
            if n.split(".")[0] in {"torch", "timm", "torchvision", "lightning_fabric"}
        ]
        assert not heavy
