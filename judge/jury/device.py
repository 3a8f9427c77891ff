"""Where networks run: the device that a run asks for, refused early where it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from judge.errors import InputError, listed

ACCELERATORS = ("auto", "cpu", "cuda", "mps")
#: As Lightning Fabric names them.
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "bf16-true", "16-true", "64-true")
_ASKED: ContextVar[str] = ContextVar("accelerator", default="auto")


@dataclass(frozen=True)
class Device:
    """Where a run trains and scores.

    accelerator  auto (a CUDA device where there is one, else the CPU), cpu, cuda or mps (Apple)
    devices      how many of them one training is spread over; auto: all
    precision    of Lightning Fabric; None: bf16-mixed on a GPU that has it, else 32-true

    Raises InputError for a setting that there is not.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    precision: str | None = None

    def __post_init__(self) -> None:
        if self.accelerator not in ACCELERATORS:
            raise InputError(
                f"device.accelerator={self.accelerator!r}: one of {listed(ACCELERATORS)}; there is {there()}"
            )
        if self.devices != "auto" and not (isinstance(self.devices, int) and self.devices >= 1):
            raise InputError(f"device.devices={self.devices!r}: a whole number from 1, or auto")
        if self.precision is not None and self.precision not in PRECISIONS:
            raise InputError(f"device.precision={self.precision!r}: one of {listed(PRECISIONS)}, or null")

    def check(self) -> None:
        """Raises InputError, which says what is there, for a device that is not."""
        lacking = {
            "cuda": not torch.cuda.is_available(),
            "mps": not torch.backends.mps.is_available(),
        }.get(self.accelerator, False)
        if lacking:
            raise InputError(
                f"device={self.accelerator}: there is none here, but {there()}; device=auto takes what there is"
            )
        gpu = self.accelerator in ("auto", "cuda") and torch.cuda.is_available()
        most = torch.cuda.device_count() if gpu else None if self.accelerator in ("auto", "cpu") else 1
        if most is not None and self.devices != "auto" and int(self.devices) > most:
            raise InputError(f"device.devices={self.devices}: there is {there()}")


def there() -> str:
    """What networks can run on here, in words."""
    found = (
        [f"{torch.cuda.device_count()} × {torch.cuda.get_device_name()} (cuda)"]
        if torch.cuda.is_available()
        else []
    )
    found += ["an Apple GPU (mps)"] if torch.backends.mps.is_available() else []
    return " and ".join([*found, f"a CPU with {torch.get_num_threads()} threads (cpu)"])


@contextmanager
def running_on(accelerator: str) -> Iterator[None]:
    """Within it, networks that are free to choose run there."""
    mark = _ASKED.set(accelerator)
    try:
        yield
    finally:
        _ASKED.reset(mark)


def preferred() -> torch.device:
    """The device of whatever is free to choose: as `running_on` says, by default a GPU where there is one."""
    asked = _ASKED.get()
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(asked)
