"""Networks as ONNX programs: a structure is translated once and kept, weights are put in each time.

Tracing takes seconds, weights some hundredths; a sweep has thousands of networks and few structures.
"""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from judge.errors import InputError
from judge.storage import cache_root, write_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

log = logging.getLogger("judge")

#: Bytes before a kept program.
CHECKSUM = 16


def onnx_program(
    network: nn.Module,
    example: Tensor,
    *,
    told: object = "",
    any_number: bool = False,
    folder: Path | None = None,
) -> bytes:
    """The network as an ONNX model whose input `pixels` has the example's type and shape.

    told        what else decides what it computes: settings that neither its modules' text nor its tensors show.
                Nothing that depends on the values of tensors may be in its code
    any_number  of pictures, whatever the example has
    folder      of translated structures; None: `translated` in the root of all caches
    """
    import onnx
    from onnx import numpy_helper

    network = network.to("cpu", memory_format=torch.contiguous_format)
    state = network.state_dict()
    key = hashlib.blake2b(digest_size=16)
    for part in (
        torch.__version__, onnx.__version__, repr(network), told, tuple(example.shape), example.dtype, any_number,
        [(name, tuple(value.shape), value.dtype) for name, value in state.items()],
    ):  # fmt: skip
        key.update(repr(part).encode())
    file = (folder or cache_root() / "translated") / key.hexdigest()
    program = _read(file)
    if program is None:
        program = onnx.load_from_string(_translated(network, example, any_number))
        for tensor in program.graph.initializer:
            if tensor.name in state:
                tensor.ClearField("raw_data")
        try:
            content = program.SerializeToString()
            write_bytes(file, _checksum(content) + content)
        except OSError as error:  # a full disk costs the next one its seconds, nobody his scores
            log.warning("the translated network is not kept: %s", error)
    for tensor in program.graph.initializer:
        if tensor.name in state:
            tensor.CopyFrom(numpy_helper.from_array(state[tensor.name].detach().numpy(), tensor.name))
    return program.SerializeToString()


def _read(file: Path) -> ModelProto | None:
    import onnx

    try:
        whole = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("the translated network %s cannot be read and is made again: %s", file, error)
        return None
    # an empty file and some that are cut short are valid programs
    if _checksum(whole[CHECKSUM:]) != whole[:CHECKSUM]:
        log.warning("the translated network %s is damaged and is made again", file)
        return None
    return onnx.load_from_string(whole[CHECKSUM:])


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM).digest()


def _translated(network: nn.Module, example: Tensor, any_number: bool) -> bytes:
    """The structure, with every tensor of `network` as an initializer of its name and values that mean nothing."""
    blank = copy.deepcopy(network)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        # tensors of equal values would become one, and norms that follow a convolution would vanish in it
        for value in blank.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=rng) + 0.5)
    file = io.BytesIO()
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                blank,
                (example,),
                file,
                dynamo=False,
                training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=False,
                input_names=["pixels"],
                dynamic_axes={"pixels": {0: "pictures"}} if any_number else None,
            )
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{type(network).__name__} cannot be translated to ONNX ({error}); scoring.engine=torch reads it as it is"
        ) from error
    finally:
        exporter.setLevel(level)
    return file.getvalue()
