"""People of chosen shares as picture files: asked for, drawn, kept apart from real people, written."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from judge.data.brackets import ADULT, age_bands, age_groups
from judge.data.images import square
from judge.data.parametric.people.tone import skin_tone
from judge.errors import InputError, listed
from judge.generator.conditions import Conditions
from judge.generator.model import FaceGenerator
from judge.storage.atomic import write_bytes

#: People drawn, held against the training pictures and written at a time.
PART = 512
#: A place whose face is still too near to a training picture after so many draws is given up.
DRAWS = 20
#: zlib's; of faces of 64 px 3 takes four fifths of the time of Pillow's usual 6, for files 7 % larger.
COMPRESSION = 3


@dataclass(frozen=True)
class Written:
    """What was written: paths of the pictures, in order, and faces that were replaced as too near to a real one."""

    paths: list[Path]
    replaced: int
    drawn: int


def ask_adults(
    conditions: Conditions,
    n: int,
    *,
    rng: np.random.Generator,
    shares: Mapping[str, Mapping[str, float]] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """`Conditions.ask`, of adults only.

    Raises InputError as it does, and where somebody asked for is or may be under 18: an age below it in `ranges`, an
    age band that begins below it, or training data that had such people.
    """
    low = (ranges or {}).get("age", (ADULT, ADULT))[0]
    if not low >= ADULT:
        raise InputError(f"ages from {low:g} are asked for: nobody under {ADULT} is drawn")
    people = conditions.ask(n, rng=rng, shares=shares, ranges=ranges)
    young = pd.Series(False, index=people.index)
    if "age" in people:
        young |= people["age"] < ADULT
    if "age_group" in people:
        young |= age_bands(people["age_group"])["first"] < ADULT
    if young.any():
        raise InputError(
            f"{int(young.sum())} of the {n} people asked for are or may be under {ADULT}, as in the generator's "
            "training data: ask for ages or age bands of adults"
        )
    return people


def labelled(people: pd.DataFrame, generator: FaceGenerator) -> pd.DataFrame:
    """The asked labels as a manifest has them, without image_id and path.

    Ratings stay in the range that the training data had; age_group and skin_tone follow from age and ita where those
    were asked for, rounded to what is written (years and degrees to .1, ratings to .001).
    """
    table = people.copy()
    for name, digits in {"age": 1, "ita": 1, "rating": 3}.items():
        if name in table:
            table[name] = table[name].round(digits)
    if "rating" in table and generator.facts.get("rating_range"):
        table["rating"] = table["rating"].clip(*generator.facts["rating_range"])
    if "rating" not in table:
        table["rating"] = np.nan
    table["rating_source"] = pd.Series("asked", index=table.index).where(table["rating"].notna())
    if "age" in table and "age_group" not in table:
        table["age_group"] = age_groups(table["age"])
    if "ita" in table and "skin_tone" not in table:
        table["skin_tone"] = skin_tone(table["ita"]).to_numpy()
    return table.assign(source="generated")


def write_people(
    generator: FaceGenerator,
    people: pd.DataFrame,
    paths: Sequence[Path],
    *,
    seed: int = 0,
    psi: float = 1.0,
    apart_from: Tensor | None = None,
    side: int | None = None,
    batch: int = 32,
    threads: int | None = None,
    progress: bool = True,
) -> Written:
    """Draws the asked people and writes one PNG each; files that are there already are not drawn again.

    paths       one a row of people, in folders that are there
    seed, psi   as in FaceGenerator.draw: row i of a seed has the same latent whatever else is asked
    apart_from  uint8 (m, 3, size, size) training pictures: a face that is too near to one of them
                (judge.generator.audit.copies.Guard) is replaced by another of the same labels before anything is
                written. All are drawn again then, so that what is counted is of all of them
    side        px of the files; None: the generator's own. Other sizes are resized as judge reads pictures
    batch       people in one pass of the network; threads: that draw and encode (one a core)
    Raises InputError where a face is still too near after DRAWS draws.
    """
    wanted = (
        list(range(len(paths)))
        if apart_from is not None
        else [i for i, path in enumerate(paths) if not path.is_file()]
    )
    replaced = 0
    bar = tqdm(
        total=len(paths), initial=len(paths) - len(wanted), desc="drawing", unit="faces", disable=not progress,
        leave=False,
    )  # fmt: skip
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="draw") as pool:
        if apart_from is None:
            # a part a thread, from the latent to the file: threads inside one pass of a small network only wait
            def part_of(rows: Sequence[int]) -> int:
                pictures = _faces(generator, people, rows, seed, psi, batch)
                _encode(pictures, [paths[row] for row in rows], side)
                return len(rows)

            inside = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                parts = [wanted[i : i + batch] for i in range(0, len(wanted), batch)]
                for done in pool.map(part_of, parts):
                    bar.update(done)
            finally:
                torch.set_num_threads(inside)
            bar.close()
            return Written(list(paths), 0, len(wanted))
        waiting: list[Future[None]] = []
        for rows, pictures, again in _drawn(generator, people, wanted, seed, psi, apart_from, batch):
            for future in waiting:  # of the part before: at most two parts are held at a time
                future.result()
            waiting = [
                pool.submit(_encode, pictures[i : i + 16], [paths[row] for row in rows[i : i + 16]], side)
                for i in range(0, len(rows), 16)
            ]
            replaced += again
            bar.update(len(rows))
        for future in waiting:
            future.result()
    bar.close()
    return Written(list(paths), replaced, len(wanted) + replaced)


def _drawn(
    generator: FaceGenerator,
    people: pd.DataFrame,
    rows: Sequence[int],
    seed: int,
    psi: float,
    apart_from: Tensor | None,
    batch: int,
) -> Iterator[tuple[Sequence[int], Tensor, int]]:
    """(rows, their pictures, how many draws were thrown away) of one part after another."""
    size, guard = batch, None
    if apart_from is not None:
        from judge.generator.audit.copies import Guard

        size, guard = PART, Guard.of(apart_from)
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        pictures = _faces(generator, people, part, seed, psi, batch)
        again = 0
        if guard is not None:
            left = np.arange(len(part))
            for attempt in range(DRAWS):
                left = left[guard.too_near(pictures[left])]
                if not len(left):
                    break
                again += len(left)
                other = _other_seed(seed, attempt)
                pictures[left] = _faces(generator, people, [part[int(i)] for i in left], other, psi, batch)
            else:
                raise InputError(
                    f"{len(left)} faces are too near to a training picture after {DRAWS} draws: the generator repeats "
                    "its training pictures, and nothing is exported; judge generate audit says how many and of whom"
                )
        yield part, pictures, again


def _faces(
    generator: FaceGenerator, people: pd.DataFrame, rows: Sequence[int], seed: int, psi: float, batch: int
) -> Tensor:
    latents = torch.cat([generator.latents(1, seed, start=row) for row in rows])
    return generator.draw(people.iloc[list(rows)], latents=latents, psi=psi, batch=batch)


def _other_seed(seed: int, attempt: int) -> int:
    told = hashlib.blake2b(f"{seed} again {attempt}".encode(), digest_size=7).digest()
    return int.from_bytes(told, "big")


def _encode(pictures: Tensor, paths: Sequence[Path], side: int | None) -> None:
    if side is not None:
        pictures = torch.stack([square(picture, side) for picture in pictures])
    for pixels, path in zip(pictures.permute(0, 2, 3, 1).numpy(), paths, strict=True):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=COMPRESSION)
        write_bytes(path, file.getvalue())


def digest_of(generator: FaceGenerator) -> str:
    """Twelve hexadecimal digits of a generator's weights and of what may be asked of it."""
    digest = hashlib.blake2b(digest_size=6)
    for name, value in generator.network.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
    digest.update(repr(sorted(generator.conditions.to_facts().items())).encode())
    return digest.hexdigest()


def training_pictures(generator: FaceGenerator, manifest: pd.DataFrame) -> Tensor:
    """uint8 (m, 3, size, size): the manifest's pictures, which have to be those that the generator was trained on.

    Raises InputError where they are others: faces that are apart from them may be near to the real ones.
    """
    from judge.generator.training import _fingerprint
    from judge.jury.network.pictures import load_pictures

    pixels, kept, _ = load_pictures(manifest, generator.size)
    codes = torch.from_numpy(generator.conditions.encode(kept))
    told = generator.facts.get("training", {}).get("pictures", {}).get("training")
    if told != _fingerprint(pixels, codes):
        raise InputError(
            f"the {len(kept)} pictures given to be checked against are not those that the generator was trained on "
            f"({generator.facts.get('n', 'an unknown number of')} of {generator.facts.get('data', 'unknown data')}): "
            "give the very settings of its training"
        )
    return pixels


def resolved_shares(
    conditions: Conditions, given: Mapping[str | None, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Shares by feature, where those under None are of the one feature that has all of their groups.

    Raises InputError where none or several have them, and where a feature is given twice.
    """
    shares = {name: dict(wanted) for name, wanted in given.items() if name is not None}
    if None in given:
        groups = set(given[None])
        fits = [name for name, own in conditions.groups.items() if groups <= set(own)]
        if len(fits) != 1:
            known = "; ".join(f"{name}: {listed(own)}" for name, own in conditions.groups.items())
            what = "several features have" if fits else "no feature has"
            raise InputError(
                f"shares of {listed(sorted(groups))}: {what} all these groups; write "
                f"FEATURE=GROUP:SHARE,… of {known or 'a generator that was taught groups'}"
            )
        if fits[0] in shares:
            raise InputError(f"shares of {fits[0]} are given twice")
        shares[fits[0]] = dict(given[None])
    return shares


def facts_of(generator: FaceGenerator) -> dict[str, Any]:
    """JSON-able: what a folder of its people says of the generator."""
    facts = generator.facts
    return {
        "digest": digest_of(generator),
        "data": facts.get("data"),
        "real_people": generator.real_people,
        "rating_range": facts.get("rating_range"),
        "training_pictures": facts.get("n"),
        "size": generator.size,
        "conditions": list(generator.conditions.names),
        "settings": facts.get("training", {}).get("generator"),
        "seed": facts.get("training", {}).get("seed"),
        "history": facts.get("history", []),
    }
