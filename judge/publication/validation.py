"""What the formats' own validators say of a publication."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judge.publication.folder import CHECKSUMS
from judge.publication.formats.crate import VERSION


@dataclass(frozen=True)
class Verdict:
    """A format, who checked it, what is wrong and what is only not perfect."""

    what: str
    by: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def validate(folder: str | Path) -> list[Verdict]:
    """Every validator on a publication; none of them needs a network."""
    folder = Path(folder)
    checks: tuple[Callable[[Path], Verdict], ...] = (_cards, _croissant, _crate, checked_sums)
    return [check(folder) for check in checks]


def _cards(folder: Path) -> Verdict:
    from huggingface_hub import DatasetCard, ModelCard

    errors = []
    for file in [folder / "README.md", *sorted(folder.glob("judges/*/README.md"))]:
        try:
            (DatasetCard if file.parent == folder else ModelCard).load(file)
        except ValueError as error:
            errors.append(f"{file.relative_to(folder)}: {error}")
    return Verdict("cards", f"huggingface_hub {version('huggingface_hub')}", tuple(errors))


def _croissant(folder: Path) -> Verdict:
    """Reads the description, and the first record of every set through it."""
    import mlcroissant as mlc

    by = f"mlcroissant {version('mlcroissant')}"
    logging.getLogger("absl").setLevel(logging.ERROR)  # warnings are told below
    try:
        dataset = mlc.Dataset(jsonld=str(folder / "croissant.json"))
    except mlc.ValidationError as error:
        return Verdict("croissant.json", by, (str(error),))
    errors = []
    described = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for records in described.get("recordSet", []):
        try:
            first = next(iter(dataset.records(records["@id"])), None)
            if first is None and records["@id"] == "pictures":
                errors.append("pictures: not one can be read")
        except Exception as error:  # whatever stops a reader is an error of the description
            errors.append(f"{records['@id']}: {type(error).__name__}: {error}")
    warnings = dataset.metadata.issues.warnings
    return Verdict("croissant.json", by, tuple(errors), tuple(sorted(warnings)))


def _crate(folder: Path) -> Verdict:
    from rocrate_validator import services
    from rocrate_validator.models import Severity, ValidationSettings

    profile = f"ro-crate-{VERSION}"
    with tempfile.TemporaryDirectory(prefix="judge-crate-") as place:
        cache = _context_cached(Path(place) / "cache")
        settings = ValidationSettings(
            rocrate_uri=str(folder.resolve()), profile_identifier=profile, requirement_severity=Severity.RECOMMENDED,
            cache_path=str(cache), cache_max_age=-1, offline=True,
        )  # fmt: skip
        issues = services.validate(settings).get_issues(Severity.RECOMMENDED)
    told: dict[bool, list[str]] = {True: [], False: []}
    for issue in issues:
        told[issue.severity >= Severity.REQUIRED].append(str(issue.message))
    return Verdict(
        "ro-crate-metadata.json", f"roc-validator {version('roc-validator')}, {profile}",
        tuple(told[True]), tuple(told[False]),
    )  # fmt: skip


def _context_cached(cache: Path) -> Path:
    """A cache of the validator's own kind with the vocabulary's context, which rocrate ships: no network is asked."""
    import importlib.resources

    from requests.adapters import HTTPAdapter
    from requests_cache import CachedSession
    from urllib3 import HTTPResponse

    context = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()

    class Packaged(HTTPAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            raw = HTTPResponse(
                body=io.BytesIO(context), headers={"Content-Type": "application/ld+json"}, status=200,
                preload_content=False, request_url=request.url,
            )  # fmt: skip
            return self.build_response(request, raw)

    with CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Packaged())
        session.get(json.loads(context)["@id"])
    return cache


def checked_sums(folder: Path) -> Verdict:
    """As sha256sum -c, and that no file is without one."""
    errors = []
    told = dict(
        reversed(line.split("  ", 1))
        for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    )
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} - {
        CHECKSUMS
    }
    errors += [f"{name} has no checksum" for name in sorted(there - set(told))]
    errors += [f"{name} is not there" for name in sorted(set(told) - there)]
    for name in sorted(there & set(told)):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != told[name]:
            errors.append(f"{name} is not what was published")
    return Verdict(CHECKSUMS, "sha256", tuple(errors))
