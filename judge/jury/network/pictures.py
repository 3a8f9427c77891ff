"""Decoding many pictures in threads: all of them into one tensor (training), or batch by batch (scoring)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from judge.data.images import load_square
from judge.data.picture_files import BrokenPicture

#: Pictures handed to a thread at a time: single ones would spend a tenth of the time on passing work around.
CHUNK = 16


class Decoded(NamedTuple):
    """Pictures of consecutive rows; those of broken files are black."""

    rows: range
    pixels: Tensor  # uint8 (B, 3, size, size)
    broken: dict[int, str]  # row → reason


def decode_chunk(
    paths: Sequence[str], rows: range, size: int, out: Tensor | None = None, crop: float = 1.0
) -> Decoded:
    """Decodes paths[row] for each row, into `out` where one is given."""
    pixels = torch.zeros((len(rows), 3, size, size), dtype=torch.uint8) if out is None else out
    broken = {}
    for place, row in enumerate(rows):
        try:
            pixels[place] = load_square(paths[row], size, crop)
        except BrokenPicture as error:
            broken[row] = str(error)
    return Decoded(rows, pixels, broken)


def decode_stream(
    paths: Sequence[str], size: int, *, batch: int, threads: int | None = None, crop: float = 1.0
) -> Iterator[Decoded]:
    """Batches in order, decoded ahead by `threads` threads (None: one a core).

    At most `threads` + 2 batches exist at a time, whatever the number of paths.
    """
    threads = threads or os.cpu_count() or 1
    starts = iter(range(0, len(paths), batch))
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        ahead: deque[Future[Decoded]] = deque()

        def submit() -> None:
            start = next(starts, None)
            if start is not None:
                rows = range(start, min(start + batch, len(paths)))
                ahead.append(pool.submit(decode_chunk, paths, rows, size, None, crop))

        for _ in range(threads + 1):
            submit()
        try:
            while ahead:
                decoded = ahead.popleft().result()
                submit()
                yield decoded
        finally:
            for waiting in ahead:
                waiting.cancel()


def load_pictures(
    manifest: pd.DataFrame, size: int, *, threads: int | None = None, crop: float = 1.0
) -> tuple[Tensor, pd.DataFrame, pd.DataFrame]:
    """All pictures as uint8 (n, 3, size, size), the manifest rows they belong to, and what was excluded.

    crop is that of images.square.
    The third table has a row for each broken picture: item (image_id), reason, detail.
    """
    paths = manifest["path"].tolist()
    pixels = torch.empty((len(paths), 3, size, size), dtype=torch.uint8)
    chunks = [range(start, min(start + CHUNK, len(paths))) for start in range(0, len(paths), CHUNK)]
    with ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="decode") as pool:
        done = pool.map(
            lambda rows: decode_chunk(paths, rows, size, pixels[rows.start : rows.stop], crop), chunks
        )
        broken = {row: reason for decoded in done for row, reason in decoded.broken.items()}
    if not broken:
        return pixels, manifest.reset_index(drop=True), excluded_table(manifest, broken)
    kept = [row for row in range(len(paths)) if row not in broken]
    return pixels[kept], manifest.iloc[kept].reset_index(drop=True), excluded_table(manifest, broken)


def excluded_table(manifest: pd.DataFrame, broken: dict[int, str]) -> pd.DataFrame:
    """item, reason, detail of the broken rows."""
    rows = sorted(broken)
    return pd.DataFrame(
        {
            "item": manifest["image_id"].iloc[rows].astype(str).tolist(),
            "reason": ["broken picture"] * len(rows),
            "detail": [broken[row] for row in rows],
        },
        dtype=str,
    )
