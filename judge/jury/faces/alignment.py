"""Aligned faces from pictures, in batches: read, find the face, turn it upright, measure what a gate asks.

Every robot measures the same aligned crops, so a face is found once. No picture is excluded here: one that cannot be
read or shows no face has its row in `measures`, with what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, laplace

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.faces.detector import BOX, POINTS, SCORE, RetinaFace

Detector = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]

#: Columns of `Batch.measures` besides image_id and `problem`; NaN where there is no face to measure.
MEASURES = {
    "faces": "faces found",
    "face_score": "the detector's score of the largest face, 0–1",
    "other_face": "area of the largest other face over the largest face's, 0–1 (0: no other)",
    "eye_distance": "pixels of the picture as it is on disk",
    "yaw": "degrees, estimated, positive when the nose points to the picture's right",
    "pitch": "degrees, estimated, positive when the face looks up",
    "roll": "degrees, positive clockwise in the picture",
    "sharpness": "fine detail over coarse detail within the face, 0–1: free of light and skin tone",
    "focus": "variance of the Laplacian of the face, 0–255 grey levels: falls with dim light and dark skin",
    "face_luminance": "mean linear luminance of the skin zones, 0–1",
    "picture_luminance": "mean linear luminance of the whole picture, 0–1",
    "clipped_dark": "share of the face at or under 3 of 255 in all channels",
    "clipped_bright": "share of the face at or over 252 of 255 in any channel",
}
#: Degrees per eye distance of nose displacement from the midline; per unit of the nose's height between eyes and
#: mouth; that height in a level head. From rendered heads of known pose: results/pose_estimates.csv.
YAW_SLOPE, PITCH_SLOPE, NOSE_HEIGHT = 103.5, 113.0, 0.541


@dataclass(frozen=True)
class Portraits:
    """Aligned faces of n pictures.

    rows    the manifest's rows of these pictures, n, fresh index
    crops   uint8 (n, size, size, 3), the frame of `regions`
    points  float (n, 5, 2): left eye, right eye, nose, left and right mouth corner, in eye distances of the frame
    """

    rows: pd.DataFrame
    crops: NDArray[np.uint8]
    points: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        return self.crops.shape[1]

    @cached_property
    def skins(self) -> NDArray[np.bool_]:
        """Skin masks (n, size, size), computed when first asked for."""
        masks = [regions.skin_mask(crop) for crop in self.crops]
        return np.stack(masks) if masks else np.zeros(self.crops.shape[:3], dtype=bool)

    def take(self, index: NDArray) -> Portraits:
        """The portraits at these positions (or where this mask is true)."""
        where = np.asarray(index)
        return Portraits(self.rows.iloc[where].reset_index(drop=True), self.crops[where], self.points[where])


@dataclass(frozen=True)
class Batch:
    """A batch of n pictures.

    measures    a row a picture, n: image_id, problem (None, or why there is no portrait), columns of MEASURES
    portraits   those with a face
    """

    measures: pd.DataFrame
    portraits: Portraits


@dataclass(frozen=True)
class PortraitReader:
    """Reads the pictures of a manifest into aligned faces.

    size         side of the aligned crop in pixels; 128 unless pictures are larger and detail counts
    frame        pictures are scaled so that their longer side is this before the detector sees them, pixels
    batch_size   pictures in memory at a time
    threads      that decode and align
    detector     any callable as in `detector`
    """

    size: int = 128
    frame: int = 160
    batch_size: int = 32
    threads: int = 2
    detector: Detector = field(default_factory=RetinaFace)

    def __post_init__(self) -> None:
        if self.size < 48 or self.frame < 64 or self.batch_size < 1 or self.threads < 1:
            raise InputError(
                "portraits: size at least 48, frame at least 64, batch_size and threads at least 1; given "
                f"size={self.size}, frame={self.frame}, batch_size={self.batch_size}, threads={self.threads}"
            )

    def __call__(self, manifest: pd.DataFrame) -> Iterator[Batch]:
        """Batches in the manifest's order; needs its columns image_id and path. One batch is read ahead."""
        rows = manifest.reset_index(drop=True)
        parts = [
            rows.iloc[start : start + self.batch_size].reset_index(drop=True)
            for start in range(0, len(rows), self.batch_size)
        ]
        with ThreadPoolExecutor(self.threads) as pool, ThreadPoolExecutor(1) as ahead:
            coming = [ahead.submit(self._batch, part, pool) for part in parts[:1]]
            for part in [*parts[1:], None]:
                if not coming:
                    return
                batch = coming.pop().result()
                if part is not None:
                    coming.append(ahead.submit(self._batch, part, pool))
                yield batch

    def from_pictures(self, pictures: list[NDArray[np.uint8]], rows: pd.DataFrame) -> Batch:
        """The same for pictures already in memory, each uint8 (height, width, 3)."""
        with ThreadPoolExecutor(self.threads) as pool:
            return self._aligned(rows.reset_index(drop=True), list(pictures), pool)

    def _batch(self, rows: pd.DataFrame, pool: ThreadPoolExecutor) -> Batch:
        return self._aligned(rows, list(pool.map(_read, rows["path"])), pool)

    def _aligned(self, rows: pd.DataFrame, pictures: list, pool: ThreadPoolExecutor) -> Batch:
        frames = np.zeros((len(pictures), self.frame, self.frame, 3), dtype=np.uint8)
        readable = [i for i, picture in enumerate(pictures) if not isinstance(picture, InputError)]
        for i, small in zip(
            readable, pool.map(lambda i: _fitted(pictures[i], self.frame), readable), strict=True
        ):
            frames[i, : small.shape[0], : small.shape[1]] = small
        found = dict(zip(readable, self.detector(frames[readable]), strict=True))
        seen = list(pool.map(lambda i: self._portrait(pictures[i], found.get(i)), range(len(pictures))))
        measures = pd.DataFrame([one[0] for one in seen], columns=["problem", *MEASURES])
        measures.insert(0, "image_id", rows["image_id"].to_numpy())
        at = [i for i, one in enumerate(seen) if one[1] is not None]
        size = self.size
        portraits = Portraits(
            rows.iloc[at].reset_index(drop=True),
            np.stack([seen[i][1] for i in at]) if at else np.zeros((0, size, size, 3), np.uint8),
            np.stack([seen[i][2] for i in at]) if at else np.zeros((0, 5, 2)),
        )
        return Batch(measures, portraits)

    def _portrait(self, picture, faces) -> tuple[dict, NDArray | None, NDArray | None]:
        if faces is None:
            return {"problem": str(picture), "faces": np.nan}, None, None
        bright = {"picture_luminance": float(regions.luminance(picture[::2, ::2]).mean())}
        if not len(faces):
            return {"problem": "no face found", "faces": 0, **bright}, None, None
        scale = max(picture.shape[:2]) / self.frame
        face = faces[0]
        points = face[POINTS].reshape(5, 2).astype(float) * scale
        try:
            turn = similarity(points)
            crop = warped(picture, turn, self.size)
        except (ValueError, ArithmeticError):  # landmarks that coincide or are no numbers
            return {"problem": "the face could not be aligned", "faces": len(faces), **bright}, None, None
        aligned = apply(turn, points)
        areas = (faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])
        measures = {
            "problem": None,
            "faces": len(faces),
            "face_score": float(face[SCORE]),
            "other_face": float(areas[1] / areas[0]) if len(faces) > 1 else 0.0,
            **_pose(points, aligned),
            **_photometry(crop),
            **bright,
        }
        assert np.isfinite(face[BOX]).all()
        return measures, crop, aligned


def similarity(points: NDArray) -> tuple[complex, complex]:
    """Least-squares similarity (a, b), z → a·z + b with z = x + iy, from landmarks (5, 2) to the template.

    Eyes and mouth corners count, the nose does not: it leaves the midline as soon as the head turns.
    Umeyama 1991 in two dimensions, in closed form. Raises InputError where the landmarks coincide.
    """
    use = [0, 1, 3, 4]
    z = points[use] @ [1, 1j]
    w = regions.TEMPLATE[use] @ [1, 1j]
    zc, wc = z - z.mean(), w - w.mean()
    spread = float((np.abs(zc) ** 2).sum())
    if spread <= 1e-9:
        raise InputError("the landmarks of a face coincide: no alignment is possible")
    a = complex((np.conj(zc) * wc).sum() / spread)
    return a, complex(w.mean() - a * z.mean())


def apply(turn: tuple[complex, complex], points: NDArray) -> NDArray[np.float64]:
    """Points (…, 2) after the similarity `turn`."""
    z = turn[0] * (np.asarray(points) @ [1, 1j]) + turn[1]
    return np.stack([z.real, z.imag], axis=-1)


def warped(picture: NDArray[np.uint8], turn: tuple[complex, complex], size: int) -> NDArray[np.uint8]:
    """The aligned crop, uint8 (size, size, 3); outside the picture the nearest row or column goes on."""
    step = regions.EXTENT / size
    inverse = 1 / turn[0]
    # crop pixel (u, v) → frame → picture
    origin = inverse * (complex(-regions.EXTENT / 2, regions.TOP) - turn[1])
    rate = inverse * step
    shrink = int(abs(rate))
    if shrink > 1:  # a crop pixel covers several of the picture's: average first
        height, width = (s - s % shrink for s in picture.shape[:2])
        picture = np.asarray(Image.fromarray(picture[:height, :width]).reduce(shrink))
        origin, rate = origin / shrink, rate / shrink
    corners = [origin + rate * complex(u, v) for u in (0, size) for v in (0, size)]
    height, width = picture.shape[:2]
    low = -min(min(c.real for c in corners), min(c.imag for c in corners), 0)
    high = max(max(c.real for c in corners) - width, max(c.imag for c in corners) - height, 0)
    pad = int(np.ceil(max(low, high)))
    if pad > 0:
        pad = min(pad + 1, 2 * max(height, width))
        picture = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
        origin += complex(pad, pad)
    # (u, v) → (Re, Im) of origin + rate·(u + iv)
    data = (rate.real, -rate.imag, origin.real, rate.imag, rate.real, origin.imag)
    image = Image.fromarray(picture).transform(
        (size, size), Image.Transform.AFFINE, data, resample=Image.Resampling.BICUBIC
    )
    return np.asarray(image)


def _read(path: str) -> NDArray[np.uint8] | InputError:
    from judge.data.images import decode  # needs torch, which reading settings does not
    from judge.data.picture_files import BrokenPicture

    try:
        return np.ascontiguousarray(decode(path).permute(1, 2, 0).numpy())
    except BrokenPicture as error:
        return error


def _fitted(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(s * scale)) for s in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))


def _pose(points: NDArray, aligned: NDArray) -> dict[str, float]:
    eyes = points[1] - points[0]
    mouth_y = (aligned[3, 1] + aligned[4, 1]) / 2
    eye_y = (aligned[0, 1] + aligned[1, 1]) / 2
    across = points[1] + points[4] - points[0] - points[3]
    return {
        "eye_distance": float(np.hypot(*eyes)),
        "yaw": float(YAW_SLOPE * (aligned[2, 0] - aligned[[0, 1, 3, 4], 0].mean())),
        "pitch": float(PITCH_SLOPE * (NOSE_HEIGHT - (aligned[2, 1] - eye_y) / max(mouth_y - eye_y, 0.3))),
        "roll": float(np.degrees(np.arctan2(across[1], across[0]))),
    }


def _photometry(crop: NDArray[np.uint8]) -> dict[str, float]:
    size = crop.shape[0]
    box = regions.face_box(size, 0.1)
    oval = regions.oval_mask(size)[box]
    zones = regions.zone_masks(size)
    face = crop[box]
    light = regions.luminance(face)
    grey = face @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    logs = np.log(light + np.float32(0.004))
    unit = size / 128
    fine = logs - gaussian_filter(logs, 1.0 * unit)
    coarse = logs - gaussian_filter(logs, 4.0 * unit)
    brightest = face[oval].max(1)
    return {
        "sharpness": float(fine[oval].std() / (coarse[oval].std() + 1e-6)),
        "focus": float(laplace(grey)[oval].var()),
        "face_luminance": float(light[(zones["cheeks"] | zones["forehead"])[box]].mean()),
        "clipped_dark": float((brightest <= 3).mean()),
        "clipped_bright": float((brightest >= 252).mean()),
    }
