"""Settings of the training of Alice, Bob and the Eve who trains with them."""

from __future__ import annotations

from dataclasses import dataclass

from judge.errors import InputError


@dataclass(frozen=True)
class SecrecyTraining:
    """Named as conf/secrecy has them.

    key         bits that Alice and Bob share, drawn anew for every person
    ciphertext  numbers that Alice publishes beside the estimate
    noise       standard deviation of what is added to each of them, which lie within −1 and 1
    hidden      width of all layers
    eves        Eves who train with Alice and Bob; their readings are averaged
    eve_steps   steps of Eve for one of Alice and Bob
    steps       of Alice and Bob
    batch       people a step
    lr          Adam's rate of Alice and Bob, at first; falls to a fiftieth over the last `settling` of the steps
    eve_lr      Adam's rate of Eve
    settling    share of the steps at the end over which the rate falls and weights are averaged
    first       share of λ at the first step; λ is whole when settling begins
    average     steps over which the averaged weights forget
    """

    key: int = 2
    ciphertext: int = 2
    noise: float = 0.2
    hidden: int = 32
    eves: int = 2
    eve_steps: int = 2
    steps: int = 2000
    batch: int = 256
    lr: float = 2e-3
    eve_lr: float = 4e-3
    settling: float = 0.5
    first: float = 0.1
    average: float = 100.0

    def __post_init__(self) -> None:
        def refuse(name: str, allowed: str) -> None:
            raise InputError(f"secrecy.{name}={getattr(self, name)!r}: allowed is {allowed}")

        for name in ("key", "ciphertext", "hidden", "eves", "eve_steps", "steps", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                refuse(name, "a whole number from 1")
        if self.batch < 8:
            refuse("batch", "at least 8 people")
        for name in ("noise", "lr", "eve_lr", "average"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                refuse(name, "a number over 0")
        for name in ("settling", "first"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                refuse(name, "a share, 0 to 1")
