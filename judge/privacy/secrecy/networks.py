"""The networks of Alice, Bob and Eve, several copies of each side by side.

All hold S copies of themselves, one a training: tensors are (S, B, …), and no number passes from one copy to another.
Twenty trainings of networks this small take a third of the time that they take one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn


class Perceptrons(nn.Module):
    """S multilayer perceptrons: (S, B, sizes[0]) → (S, B, sizes[-1]).

    rngs  one a copy: a copy starts from the same weights whoever is beside it
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rngs: Sequence[torch.Generator],
        activation: Callable[[Tensor], Tensor] = torch.relu,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            bound = 1 / sqrt(inputs)
            drawn = [bound * (2 * torch.rand(inputs + 1, outputs, generator=rng) - 1) for rng in rngs]
            both = torch.stack(drawn)
            self.weights.append(nn.Parameter(both[:, :-1].clone()))
            self.biases.append(nn.Parameter(both[:, -1:].clone()))

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = self.activation(x)
        return x


class Mixed(nn.Module):
    """S networks of inputs and a key: products of a map of each go beside both into a perceptron.

    Without products a network has to find out by itself how a key turns a sign; it does (the paper's layers are plain
    ones), but later.
    """

    def __init__(
        self, inputs: int, key: int, hidden: int, outputs: int, rngs: Sequence[torch.Generator]
    ) -> None:
        super().__init__()
        self.of_inputs = Perceptrons((inputs, hidden), rngs)
        self.of_key = Perceptrons((key, hidden), rngs)
        self.rest = Perceptrons((hidden + inputs + key, hidden, outputs), rngs)

    def forward(self, x: Tensor, key: Tensor) -> Tensor:
        return self.rest(torch.cat([self.of_inputs(x) * self.of_key(key), x, key], -1))


class Alice(nn.Module):
    """(S, B, F) seen and (S, B, K) key → (S, B, 1 + Q) published: the public estimate, then the ciphertext.

    The public estimate does not read the key, which its readers do not have. The ciphertext lies within −1 and 1, and
    noise is added to it on the way: without it a real number would hold any amount of text in its last digits, where
    no network looks and anybody may.
    """

    def __init__(
        self, seen: int, key: int, ciphertext: int, hidden: int, rngs: Sequence[torch.Generator]
    ) -> None:
        super().__init__()
        self.public = Perceptrons((seen, hidden, hidden, 1), rngs)
        self.cipher = Mixed(seen, key, hidden, ciphertext, rngs)

    def forward(self, seen: Tensor, key: Tensor, noise: Tensor) -> Tensor:
        return torch.cat([self.public(seen), torch.tanh(self.cipher(seen, key)) + noise], -1)


class Bob(nn.Module):
    """(S, B, 1 + Q) published and (S, B, K) key → (S, B) estimate: the public one, and what the key adds to it."""

    def __init__(self, key: int, ciphertext: int, hidden: int, rngs: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.reads = Mixed(1 + ciphertext, key, hidden, 1, rngs)

    def forward(self, published: Tensor, key: Tensor) -> Tensor:
        return published[..., 0] + self.reads(published, key)[..., 0]
