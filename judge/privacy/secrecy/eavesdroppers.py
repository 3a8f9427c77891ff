"""Eves who are trained afresh, when Alice and Bob have finished: what can be read of the published is what they read.

An Eve who trained along is beaten when she is at chance, and says little: others may find what she does not (Elazar &
Goldberg 2018, arXiv:1808.06640; the paper resets and trains its Eve five times for the same reason, sec. 2.5). So five
fresh ones, each stronger than those of the training, learn from messages about people of their own, with weights that
start anew. The strongest is chosen on further people and tested on third ones, so that the best of five is no luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor

from judge.errors import InputError
from judge.fairness.inference.intervals import clopper_pearson
from judge.privacy.secrecy.networks import Perceptrons
from judge.privacy.secrecy.training import cross_entropy, generators

#: Hidden widths and activation of the networks.
NETWORKS: Mapping[str, tuple[tuple[int, ...], Callable[[Tensor], Tensor]]] = {
    "wide": ((128, 128), torch.relu),
    "deep": ((48, 48, 48, 48), torch.nn.functional.leaky_relu),
    "smooth": ((64, 64), torch.tanh),
}
EVES = (*NETWORKS, "boosted_trees", "neighbours")
#: Nearest neighbours that are asked; people of a group without whom there is no Eve.
NEIGHBOURS, FEWEST = 51, 30


@dataclass(frozen=True)
class Overheard:
    """Messages about n people of S copies: published (S, n, M), group (S, n)."""

    published: Tensor
    group: Tensor


@dataclass(frozen=True)
class FreshEves:
    """Settings: steps and batch of the networks, their Adam's rate (falls to 0), rounds of the trees."""

    steps: int = 1000
    batch: int = 512
    lr: float = 4e-3
    trees: int = 100

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "trees"):
            if getattr(self, name) < 1:
                raise InputError(f"eves.{name} is at least 1; given {getattr(self, name)}")
        if not self.lr > 0:
            raise InputError(f"eves.lr is over 0; given {self.lr}")

    def __call__(
        self,
        learn: Overheard,
        choose: Overheard,
        test: Overheard,
        *,
        names: Sequence[str],
        seed: int,
        kinds: Sequence[str] = EVES,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """A row a copy and Eve.

        copy, eve             number of the copy, one of EVES
        chosen                balanced accuracy on `choose`
        balanced_accuracy     on `test`, with ci_low and ci_high (exact limits of each group, combined by MOVER)
        strongest             whether this Eve's `chosen` is the highest of her copy
        chance                1 / number of groups
        n_learn, n_test       people

        Raises InputError for a group of fewer than 30 people in a part, and for a kind that there is not.
        """
        if wrong := [k for k in kinds if k not in EVES]:
            raise InputError(f"eves: {', '.join(wrong)}: allowed are {', '.join(EVES)}")
        for part, heard in (("learn", learn), ("choose", choose), ("test", test)):
            for copy, group in enumerate(heard.group):
                few = torch.bincount(group, minlength=len(names)) < FEWEST
                if few.any():
                    short = ", ".join(n for n, f in zip(names, few.tolist(), strict=True) if f)
                    raise InputError(
                        f"eves: fewer than {FEWEST} people of {short} are there to {part} from (copy {copy})"
                    )
        mean, sd = learn.published.mean(1, keepdim=True), learn.published.std(1, keepdim=True)
        sd = torch.where(sd > 1e-9, sd, torch.ones(()))
        x = {
            name: (heard.published - mean) / sd
            for name, heard in (("learn", learn), ("choose", choose), ("test", test))
        }
        rows = []
        for kind in kinds:
            if kind in NETWORKS:
                guess = self._networks(kind, x, learn.group, len(names), seed)
            else:
                guess = self._table(kind, x, learn.group, seed)
            for copy in range(len(learn.group)):
                value, low, high = balanced_accuracy(
                    guess["test"][copy], test.group[copy].numpy(), confidence
                )
                rows.append({
                    "copy": copy, "eve": kind,
                    "chosen": balanced_accuracy(guess["choose"][copy], choose.group[copy].numpy())[0],
                    "balanced_accuracy": value, "ci_low": low, "ci_high": high, "chance": 1 / len(names),
                    "n_learn": learn.group.shape[1], "n_test": test.group.shape[1],
                })  # fmt: skip
        table = pd.DataFrame(rows)
        best = table.groupby("copy")["chosen"].idxmax()
        return table.assign(strongest=table.index.isin(best))

    def _networks(
        self, kind: str, x: dict[str, Tensor], group: Tensor, groups: int, seed: int
    ) -> dict[str, NDArray]:
        """Guesses (S, n) of people to choose by and to test, by networks that learnt from the others."""
        hidden, activation = NETWORKS[kind]
        copies, n = group.shape
        rngs = generators(range(seed, seed + copies), 100 + list(NETWORKS).index(kind))
        eves = Perceptrons((x["learn"].shape[-1], *hidden, groups), rngs, activation)
        adam = torch.optim.Adam(eves.parameters(), lr=self.lr, fused=True)
        counts = torch.stack([torch.bincount(g, minlength=groups) for g in group])
        balance = n / (groups * counts)
        for step in range(self.steps):
            adam.param_groups[0]["lr"] = self.lr * (1 - step / self.steps)
            rows = torch.stack([torch.randint(n, (min(self.batch, n),), generator=rng) for rng in rngs])
            batch = x["learn"].gather(1, rows[..., None].expand(-1, -1, x["learn"].shape[-1]))
            adam.zero_grad()
            cross_entropy(eves, batch, group.gather(1, rows), balance).sum().backward()
            adam.step()
        with torch.no_grad():
            return {part: eves(x[part]).argmax(-1).numpy() for part in ("choose", "test")}

    def _table(self, kind: str, x: dict[str, Tensor], group: Tensor, seed: int) -> dict[str, NDArray]:
        guesses: dict[str, list[NDArray]] = {"choose": [], "test": []}
        with threadpool_limits(1):
            for copy in range(len(group)):
                known, code = x["learn"][copy].numpy(), group[copy].numpy()
                share = np.bincount(code) / len(code)
                if kind == "boosted_trees":
                    model = HistGradientBoostingClassifier(
                        max_iter=self.trees, max_leaf_nodes=15, random_state=seed + copy, early_stopping=False
                    )
                else:
                    model = KNeighborsClassifier(NEIGHBOURS)
                model.fit(known, code)
                for part, found in guesses.items():
                    # neither knows class weights: the shares are taken out here
                    found.append((model.predict_proba(x[part][copy].numpy()) / share).argmax(1))
        return {part: np.stack(found) for part, found in guesses.items()}


def balanced_accuracy(guess: NDArray, group: NDArray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean over the groups of the share of people who are put into their own, with its interval.

    The interval combines the groups' Clopper–Pearson limits by MOVER (Zou & Donner 2008, Stat. Med. 27:1693).
    """
    size = np.bincount(group)
    right = np.bincount(group, weights=guess == group, minlength=len(size))
    recall = right / size
    limits = clopper_pearson(right, size, confidence=confidence)
    below = float(np.sqrt(((recall - limits.low) ** 2).sum())) / len(size)
    above = float(np.sqrt(((limits.high - recall) ** 2).sum())) / len(size)
    value = float(recall.mean())
    return value, max(0.0, value - below), min(1.0, value + above)
