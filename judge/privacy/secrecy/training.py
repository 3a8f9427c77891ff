"""The training: Alice and Bob on one side, Eve on the other, by turns.

What Alice and Bob minimise in a copy is

    E (D − p)² + E (D − b)² + λ · (log G − L)

with p the public estimate, b Bob's, G groups and L the cross-entropy of Eve's guess, every group weighing alike.
log G is the loss of an Eve who knows nothing; what she is better by bounds the information of the published on the
group from below. (The paper squares a term like it, sec. 2.3, so that nothing is gained by misleading Eve. Squared,
it is flat where the secret is nearly kept; cut off at 0, it would count the luck of a batch in one direction only.
An Eve who is misled turns round within a few of her steps.) Where Eve is the best there is, groups of normal scores
whose means differ by t Δ tell her about t² Δ² / (8 within), and t costs (1 − t)² between, so that t = 1 / (1 + λ ·
const): a secret that is nearly kept asks for a large λ. A large λ from the first step on keeps Alice and Bob from
finding out what the key is good for, so it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import log

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from judge.errors import InputError
from judge.privacy.secrecy.networks import Alice, Bob, Perceptrons
from judge.privacy.secrecy.people import People, Source
from judge.privacy.secrecy.settings import SecrecyTraining

#: Steps between two rows of the history.
EVERY = 100


@dataclass(frozen=True)
class Messages:
    """What S Alices publish of n people each, and what only Bob has: published (S, n, 1 + Q), key (S, n, K)."""

    published: Tensor
    key: Tensor


@dataclass
class Trained:
    """S trained pairs.

    alice, bob  the networks, weights averaged over the last steps
    history     copy, step, public and bob (mean squares of the batches since the row before), eve (nats below log G)
    """

    alice: Alice
    bob: Bob
    settings: SecrecyTraining
    names: tuple[str, ...]
    history: pd.DataFrame

    @torch.no_grad()
    def publish(self, seen: Tensor, rngs: Sequence[torch.Generator]) -> Messages:
        """seen (S, n, F) → messages, with a fresh key for each person; one generator a copy."""
        key, noise = _chances(self.settings, seen.shape[1], rngs)
        return Messages(self.alice(seen, key, noise), key)

    @torch.no_grad()
    def read(self, messages: Messages) -> Tensor:
        """(S, n) Bob's estimates."""
        return self.bob(messages.published, messages.key)


def generators(seeds: Sequence[int], purpose: int) -> list[torch.Generator]:
    """One generator a seed; another purpose, another stream."""
    return [torch.Generator().manual_seed((seed * 1_000_003 + purpose) % 2**63) for seed in seeds]


def train(
    sources: Sequence[Source],
    settings: SecrecyTraining,
    *,
    weights: Sequence[float],
    seeds: Sequence[int],
    progress: Callable[[str], None] | None = None,
) -> Trained:
    """Trains len(seeds) pairs at once; the copies share nothing but their time.

    Parameters
    ----------
    sources : one for each copy
        All of the same groups and width.
    weights : λ of each copy, at least 0
        0: no secret is asked for.
    seeds : one for each copy
        Of weights, people, keys and noise. Copies of one seed and source differ by λ alone.
    progress : called with a line every 100 steps

    Raises
    ------
    InputError
        For settings out of range, other lengths, sources that do not agree, a loss that is not finite.
    """
    if not len(sources) == len(weights) == len(seeds) or not len(seeds):
        raise InputError(
            f"secrecy: one source, weight and seed a copy; given {len(sources)}, {len(weights)}, {len(seeds)}"
        )
    if min(weights) < 0:
        raise InputError(f"secrecy.weights are at least 0; given {list(weights)}")
    first = sources[0]
    if any(s.names != first.names or s.width != first.width for s in sources):
        raise InputError("secrecy: all sources of a training have the same groups and see as many numbers")
    copies, groups = len(seeds), len(first.names)
    start = generators(seeds, 1)
    alice = Alice(first.width, settings.key, settings.ciphertext, settings.hidden, start)
    bob = Bob(settings.key, settings.ciphertext, settings.hidden, start)
    sizes = (1 + settings.ciphertext, settings.hidden, settings.hidden, groups)
    eves = Perceptrons(sizes, [rng for rng in generators(seeds, 2) for _ in range(settings.eves)])
    of_both = [*alice.parameters(), *bob.parameters()]
    averaged_alice, averaged_bob = deepcopy(alice), deepcopy(bob)
    averaged = [*averaged_alice.parameters(), *averaged_bob.parameters()]
    betas = (0.5, 0.99)
    of_pair = torch.optim.Adam(of_both, lr=settings.lr, betas=betas, fused=True)
    of_eves = torch.optim.Adam(eves.parameters(), lr=settings.eve_lr, betas=betas, fused=True)
    chance, draws = generators(seeds, 3), generators(seeds, 4)
    weight = torch.tensor(weights)
    # (S, G): every group weighs alike
    balance = 1 / (groups * torch.tensor([s.shares for s in sources]))
    settled = round(settings.steps * (1 - settings.settling))
    history, sums = [], torch.zeros(3, copies)

    for step in range(1, settings.steps + 1):
        for _ in range(settings.eve_steps):
            people = _batch(sources, settings.batch, draws)
            key, noise = _chances(settings, settings.batch, chance)
            with torch.no_grad():
                published = alice(people.seen, key, noise)
            of_eves.zero_grad()
            cross_entropy(eves, published, people.group, balance).sum().backward()
            of_eves.step()

        for group in of_pair.param_groups:
            left = (settings.steps - step) / max(1, settings.steps - settled)
            group["lr"] = settings.lr * min(1.0, max(0.02, left))
        people = _batch(sources, settings.batch, draws)
        key, noise = _chances(settings, settings.batch, chance)
        published = alice(people.seen, key, noise)
        public = (published[..., 0] - people.score).square().mean(1)
        private = (bob(published, key) - people.score).square().mean(1)
        told = (log(groups) - cross_entropy(eves, published, people.group, balance)).mean(1)
        grown = min(1.0, settings.first + (1 - settings.first) * step / max(1, settled))
        loss = (public + private + grown * weight * told).sum()
        of_pair.zero_grad()
        loss.backward()
        of_pair.step()

        with torch.no_grad():
            forget = 1.0 if step <= settled else 1 / settings.average
            for old, new in zip(averaged, of_both, strict=True):
                old.lerp_(new, forget)
        sums += torch.stack([public, private, told]).detach()
        if step % EVERY == 0 or step == settings.steps:
            if not sums.isfinite().all():
                raise InputError(f"secrecy: a loss is not finite at step {step}: lower secrecy.lr or eve_lr")
            since = (step - 1) % EVERY + 1
            for copy, (a, b, c) in enumerate((sums / since).T.tolist()):
                history.append({"copy": copy, "step": step, "public": a, "bob": b, "eve": c})
            sums.zero_()
            if progress is not None:
                progress(f"step {step:,} of {settings.steps:,}")
    return Trained(averaged_alice, averaged_bob, settings, first.names, pd.DataFrame(history))


def cross_entropy(eves: Perceptrons, published: Tensor, group: Tensor, balance: Tensor) -> Tensor:
    """(S, E) nats: balanced cross-entropy of E Eves a copy. published (S, B, ·), group (S, B), balance (S, G)."""
    copies = len(published)
    each = eves.weights[0].shape[0] // copies
    logits = eves(published.repeat_interleave(each, 0))
    right = group.repeat_interleave(each, 0)[..., None]
    surprise = -log_softmax(logits, -1).gather(-1, right)[..., 0]
    weight = balance.gather(1, group).repeat_interleave(each, 0)
    return (weight * surprise).mean(1).view(copies, each)


def _batch(sources: Sequence[Source], n: int, rngs: Sequence[torch.Generator]) -> People:
    """(S, n, …) people, n of each source."""
    drawn = [source.draw(n, rng) for source, rng in zip(sources, rngs, strict=True)]
    return People(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))


def _chances(settings: SecrecyTraining, n: int, rngs: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Keys of ±1, (S, n, K), and noise, (S, n, Q)."""
    normal = torch.stack([torch.randn(n, settings.key + settings.ciphertext, generator=rng) for rng in rngs])
    key, noise = normal.split([settings.key, settings.ciphertext], -1)
    return torch.where(key < 0, -1.0, 1.0), settings.noise * noise
