"""judge data folder: what somebody's own folder holds, and its settings in a file of their own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError

if TYPE_CHECKING:
    from judge.data.dataset import Dataset
    from judge.data.own.proposal import Proposal


def proposal_of(
    root: str | Path, settings: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[Proposal, dict[str, Any]]:
    """(what was found, the reader's settings with it).

    settings  of conf/data/folder.yaml; given: those that the user set, which stay
    """
    from judge.data.own.proposal import propose
    from judge.experiment.choices.words import merged

    decided = {key: value for key, value in given.items() if key != "root"}
    proposal = propose(root, decided)
    whole = merged(merged(settings, proposal.settings), decided)
    return proposal, whole


def checked_file(file: Path) -> Path:
    """The file for the settings. Raises InputError for a name by which `judge run data=NAME` could not find it."""
    from judge.cli.data import data_sets

    if file.suffix != ".yaml" or not file.stem.replace("_", "").replace("-", "").isalnum():
        raise InputError(
            f"--save-config {file}: NAME.yaml is needed, NAME of letters, digits, - and _, for judge run data=NAME"
        )
    if file.stem in data_sets():
        raise InputError(
            f"--save-config {file}: {file.stem} is a data set of judge's own; choose another name, such as mine.yaml"
        )
    if file.is_dir():
        raise InputError(f"--save-config {file} is a folder")
    return file


def save_config(file: Path, settings: Mapping[str, Any], proposal: Proposal) -> None:
    """Writes the settings as a data set that `judge run --config-dir DIR data=NAME` finds."""
    from judge.storage import make_writable, write_text

    make_writable(file.parent)
    root = str(Path(settings["root"]).resolve())
    write_text(file, config_text({**settings, "name": file.stem, "root": root}, proposal))


def config_text(settings: Mapping[str, Any], proposal: Proposal) -> str:
    """The settings as YAML, a line each, with what was taken for what above them."""
    import yaml

    lines = [f"# {settings['name']}: written by judge data folder --save-config; change what is wrong"]
    for one in proposal.taken:
        others = f" (or {', '.join(one.others)})" if one.others else ""
        lines.append(f"# {one.label}: {one.source}, by {one.why}{others}")
    for key, value in settings.items():
        told = yaml.safe_dump(
            value, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=True
        )
        lines.append(f"{key}: " + told.strip().removesuffix("...").strip())
    return "\n".join(lines) + "\n"


def next_command(dataset: Dataset, file: Path | None) -> str:
    """What to do next with these people."""
    if file is None:
        return "next: the same command with --save-config mine.yaml, then judge run --config-dir . data=mine"
    where = f"--config-dir {shlex.quote(str(file.parent))}"
    if dataset.manifest["rating"].isna().all():
        return f"saved: {file}\nnext: judge run {where} data@entrants_data={file.stem}   (these enter, others train)"
    return f"saved: {file}\nnext: judge run {where} data={file.stem}"
