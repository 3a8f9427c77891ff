"""Networks and trainings in safetensors files: tensors with JSON-able facts, never a pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from judge.errors import InputError
from judge.storage.atomic import replacing


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Writes tensors and JSON-able facts to `path`; a kill leaves the old file or the new one."""
    own = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    with replacing(path) as part:
        save_file(own, part, metadata={"facts": json.dumps(facts)})


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the facts that save_tensors wrote.

    Raises InputError for a file that is damaged, that something else wrote, or that holds numbers which are not
    finite: a network with such a weight scores nobody, and a training with such a state never comes back from it.
    """
    tensors, metadata = _read(path)
    if "facts" not in metadata:
        raise InputError(
            f"{path} says nothing of what it holds; a file that judge wrote has `facts` in its header"
        )
    try:
        return tensors, json.loads(metadata["facts"])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: its facts are no JSON ({error})") from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of any safetensors file, on the CPU. Raises InputError as `load_tensors`, facts or not."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path} is damaged, or no safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            n = int((~tensor.isfinite()).sum())
            raise InputError(f"{path}: {n} of {tensor.numel()} numbers of {name!r} are not finite")
    return tensors, metadata


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """The module's state, its names under `prefix.`."""
    return {f"{prefix}.{name}": value for name, value in module.state_dict().items()}


def load_module(prefix: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Gives the module its state back; all of its names must be there and no other. Raises InputError."""
    try:
        module.load_state_dict(part_of(prefix, tensors), strict=True)
    except RuntimeError as error:
        raise InputError(f"the saved {prefix} does not fit: {error}") from error


def optimizer_tensors(prefix: str, optimizer: Optimizer) -> dict[str, Tensor]:
    """The moments of each parameter as `prefix.position.name`; settings are left out, the schedule sets them."""
    return {
        f"{prefix}.{position}.{name}": torch.as_tensor(value)
        for position, moments in optimizer.state_dict()["state"].items()
        for name, value in moments.items()
    }


def load_optimizer(prefix: str, optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Gives the optimizer its moments back; its settings stay."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in part_of(prefix, tensors).items():
        position, name = key.split(".", 1)
        state.setdefault(int(position), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def part_of(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under `prefix.`, without it."""
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}.")
    }
