"""Links from a page to files beside docs/ (a result's picture, its page) work in the site as they do in the repository.

Such a link starts with ../; the file is copied to files/ in the site. A link to nothing is a warning, which the strict
build does not let through.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File

TOP = Path(__file__).parents[2]
LINK = re.compile(r"(\]\()(\.\./[^)#\s]+)")
#: Files that are a page of the site themselves.
PAGES = {"experiments/LOG.md": "log.md", "README.md": "index.md"}
log = logging.getLogger("mkdocs.hooks.files_outside")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """The page with its links to files of the repository led to their copies in the site."""
    here = PurePosixPath(page.file.src_uri).parent
    docs = Path(config.docs_dir).name

    def led(match: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(docs) / here / match[2])
        if target.startswith(f"{docs}/"):
            return match[0]
        if not (TOP / target).is_file():
            log.warning("%s links to %s, which is no file", page.file.src_uri, match[2])
            return match[0]
        uri = PAGES.get(target, f"files/{target}")
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(TOP / target)))
        return match[1] + os.path.relpath(uri, here)

    return LINK.sub(led, markdown)
