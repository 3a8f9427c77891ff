"""Gaussian people: do trainings reach the closed form, and how many do not?

What counts as success was fixed before any training was run, and every seed is counted:

    public error and Bob's error within 5 % of the closed form, above or below, and
    the strongest fresh Eve within 2 points (.02 of balanced accuracy) of the half that perfect secrecy leaves her
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch

from judge.errors import InputError
from judge.privacy.secrecy.eavesdroppers import FreshEves, Overheard
from judge.privacy.secrecy.gaussian import GaussianPeople
from judge.privacy.secrecy.networks import Perceptrons
from judge.privacy.secrecy.people import People
from judge.privacy.secrecy.settings import SecrecyTraining
from judge.privacy.secrecy.training import Messages, Trained, generators, train

#: Errors are within this share of the closed form, Eve within so much balanced accuracy of her bound.
CLOSE, MARGIN = 0.05, 0.02


@dataclass(frozen=True)
class ToyStudy:
    """people of the closed form; weight λ; seeds; and new people for fresh Eves to learn from, to choose by, to test.

    together  trainings that run side by side: more are no faster, and take more memory
    """

    people: GaussianPeople = field(default_factory=GaussianPeople)
    weight: float = 200.0
    seeds: int = 20
    learn: int = 10_000
    choose: int = 10_000
    test: int = 20_000
    together: int = 5

    def __post_init__(self) -> None:
        for name in ("seeds", "together"):
            if getattr(self, name) < 1:
                raise InputError(f"toy.{name} is at least 1; given {getattr(self, name)}")
        for name in ("learn", "choose", "test"):
            if getattr(self, name) < 500:
                raise InputError(f"toy.{name} is at least 500 people; given {getattr(self, name)}")
        if self.weight < 0:
            raise InputError(f"toy.weight is at least 0; given {self.weight}")

    def run(
        self,
        training: SecrecyTraining,
        eves: FreshEves,
        *,
        seed: int = 0,
        confidence: float = 0.95,
        progress: Callable[[str], None] | None = None,
        save: Callable[[pd.DataFrame, pd.DataFrame], None] | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(a row a seed, a row a seed and fresh Eve); save: called with both whenever some seeds are done."""
        trials, readings = [], []
        for first in range(0, self.seeds, self.together):
            some = list(range(seed + first, seed + min(first + self.together, self.seeds)))
            trained = train(
                [self.people] * len(some),
                training,
                weights=[self.weight] * len(some),
                seeds=some,
                progress=progress,
            )
            rows, read = self.judged(trained, eves, some, confidence=confidence)
            trials.append(rows)
            readings.append(read)
            if save is not None:
                save(pd.concat(trials, ignore_index=True), pd.concat(readings, ignore_index=True))
        return pd.concat(trials, ignore_index=True), pd.concat(readings, ignore_index=True)

    def judged(
        self, trained: Trained, eves: FreshEves, seeds: Sequence[int], *, confidence: float = 0.95
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The two tables of trainings of these seeds."""
        heard = {
            part: self._heard(trained, n, seeds, purpose)
            for purpose, (part, n) in enumerate(
                {"learn": self.learn, "choose": self.choose, "test": self.test}.items()
            )
        }
        overheard = {part: Overheard(m.published, p.group) for part, (p, m) in heard.items()}
        read = eves(
            overheard["learn"], overheard["choose"], overheard["test"],
            names=self.people.names, seed=seeds[0], confidence=confidence,
        )  # fmt: skip
        people, messages = heard["test"]
        best = self.people.best()

        def error(estimate: torch.Tensor) -> list[float]:
            return (estimate - people.score).square().mean(1).tolist()

        # rolled: everybody's key is somebody else's
        wrong = Messages(messages.published, messages.key.roll(1, 1))
        table = pd.DataFrame(
            {
                "seed": list(seeds), "weight": self.weight,
                "public_error": error(messages.published[..., 0]), "public_best": best.public,
                "bob_error": error(trained.read(messages)), "bob_best": best.bob,
                "wrong_key_error": error(trained.read(wrong)),
                "no_key_error": error(without_key(heard["learn"], messages, seeds)),
            }
        )  # fmt: skip
        strongest = read[read["strongest"]].set_index("copy")
        for column in ("eve", "balanced_accuracy", "ci_low", "ci_high"):
            table[{"eve": "strongest_eve", "balanced_accuracy": "eve"}.get(column, f"eve_{column[3:]}")] = (
                strongest[column].reindex(range(len(seeds))).to_numpy()
            )
        table["eve_bound"], table["eve_of_score"] = best.eve, best.eve_of_score
        table["public_ratio"] = table["public_error"] / best.public
        table["bob_ratio"] = table["bob_error"] / best.bob
        table["eve_excess"] = table["eve"] - best.eve
        table["public_close"] = (table["public_ratio"] - 1).abs() <= CLOSE
        table["bob_close"] = (table["bob_ratio"] - 1).abs() <= CLOSE
        table["eve_close"] = table["eve_excess"] <= MARGIN
        table["success"] = table[["public_close", "bob_close", "eve_close"]].all(axis=1)
        read = read.assign(seed=[seeds[c] for c in read["copy"]]).drop(columns="copy")
        return table, read

    def _heard(self, trained: Trained, n: int, seeds: Sequence[int], purpose: int) -> tuple[People, Messages]:
        drawn = [self.people.draw(n, rng) for rng in generators(seeds, 20 + purpose)]
        people = People(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))
        return people, trained.publish(people.seen, generators(seeds, 30 + purpose))


def without_key(
    learn: tuple[People, Messages], test: Messages, seeds: Sequence[int], steps: int = 300, batch: int = 256
) -> torch.Tensor:
    """(S, n) the score as networks guess it that learnt, with the score before them, to do without a key."""
    people, messages = learn
    _, n, width = messages.published.shape
    networks = Perceptrons((width, 64, 1), generators(seeds, 40))
    adam = torch.optim.Adam(networks.parameters(), lr=1e-2, fused=True)
    rngs = generators(seeds, 41)
    for step in range(steps):
        adam.param_groups[0]["lr"] = 1e-2 * (1 - step / steps)
        rows = torch.stack([torch.randint(n, (batch,), generator=rng) for rng in rngs])
        heard = messages.published.gather(1, rows[..., None].expand(-1, -1, width))
        guess = heard[..., 0] + networks(heard)[..., 0]
        adam.zero_grad()
        (guess - people.score.gather(1, rows)).square().mean(1).sum().backward()
        adam.step()
    with torch.no_grad():
        return test.published[..., 0] + networks(test.published)[..., 0]
