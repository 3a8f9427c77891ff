"""What objectives of groups share: the groups in the pool, and one batch over several devices."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, distributed, nn

from judge.data.groups import Groups
from judge.errors import InputError, listed
from judge.jury.network.losses import Batch


class GroupObjective(nn.Module):
    """An objective that reads the groups of the sensitive feature. A subclass has keyword-only settings and `forward`.

    loss    of judge.jury.network.losses, or any that has `per_picture(reading, batch, network) -> (B,)`
    groups  of the sensitive feature

    Buffers, of the training pictures: `count` (G,) of each group, `share` (G,) of the training weight.
    Raises InputError, in survey and so before the first step: fewer than two groups in the pool; pictures whose group
    is unknown, where the method has `needs_every_group`.
    """

    seam: ClassVar[str] = "objective"
    #: no use for a judge whose features are frozen
    trains_features: ClassVar[bool] = False
    needs_every_group: ClassVar[bool] = False

    def __init__(self, loss: Any, groups: Groups) -> None:
        super().__init__()
        needs_per_picture(loss, type(self).__name__)
        if len(groups.names) < 2:
            raise InputError(
                f"{type(self).__name__}: two groups of {groups.feature!r} at least are needed; there is "
                f"{listed(groups.names)}"
            )
        self.loss, self.groups = loss, groups
        self.register_buffer("count", torch.zeros(len(groups.names)))
        self.register_buffer("share", torch.zeros(len(groups.names)))

    def settings(self) -> dict[str, Any]:
        """All settings by name: they tell one training from another."""
        return settings_of(self)

    def survey(self, *, rating: Tensor, weight: Tensor, groups: Mapping[str, Tensor], steps: int) -> None:
        """Called before the first step with what is known of all training pictures (losses.prepared)."""
        codes = groups[self.groups.feature]
        member = one_hot(codes, len(self.groups.names))
        self.count = member.sum(0)
        self.share = member.T @ weight.float() / weight.sum()
        there = [name for name, n in zip(self.groups.names, self.share.tolist(), strict=True) if n > 0]
        if len(there) < 2:
            raise InputError(
                f"{type(self).__name__}: the training pictures have {listed(there)} of the groups of "
                f"{self.groups.feature!r}; at least 2 groups are needed"
            )
        unknown = int((codes < 0).sum())
        if unknown and self.needs_every_group:
            raise InputError(
                f"{type(self).__name__}: {unknown} of {len(codes)} training pictures have no known group in "
                f"{self.groups.feature!r}; every picture needs one"
            )

    def codes(self, batch: Batch) -> Tensor:
        """(B,) group of each picture, −1 unknown."""
        return batch.groups[self.groups.feature]

    def balanced(self, codes: Tensor) -> Tensor:
        """(B,) factors on `batch.share` under which each group of the pool counts the same, and unknown ones nothing.

        Their mean over the training pictures of known group, weighted as these are, is 1.
        """
        there = self.share > 0
        factor = torch.where(there, 1 / self.share.clamp_min(1e-12), 0.0) * self.share.sum() / there.sum()
        return torch.where(codes >= 0, factor[codes.clamp(min=0)], 0.0)


def needs_per_picture(loss: Any, who: str) -> None:
    """Raises InputError for a base loss that gives one number a batch only."""
    if not callable(getattr(loss, "per_picture", None)):
        raise InputError(
            f"{who}: the judge's loss {type(loss).__name__} has no per_picture(reading, batch, network) -> (B,); "
            "those of judge.jury.network.losses have"
        )


def settings_of(objective: Any) -> dict[str, Any]:
    """The keyword-only arguments of the class, as the object has them."""
    names = inspect.signature(type(objective).__init__).parameters.values()
    return {p.name: getattr(objective, p.name) for p in names if p.kind is inspect.Parameter.KEYWORD_ONLY}


def at_least(who: str, low: float, *, over: bool = False, whole: bool = False, **given: float) -> None:
    """Raises InputError that names a setting which is below `low` (with `over`: or at it), or no (whole) number."""
    kind, kinds = ("whole number", int) if whole else ("number", int | float)
    for name, value in given.items():
        number = isinstance(value, kinds) and not isinstance(value, bool)
        if not number or not (value > low if over else value >= low) or value == float("inf"):
            raise InputError(
                f"mitigation {who}: {name} is a {kind} {'over' if over else 'of at least'} {low:g}, not {value!r}"
            )


def one_hot(codes: Tensor, groups: int) -> Tensor:
    """(B, G) float, a row of zeros for an unknown group."""
    return (codes[:, None] == torch.arange(groups, device=codes.device)).float()


def rating_of(network: nn.Module, logits: Tensor) -> Tensor:
    """(B,) ratings that the network reads from its head's outputs."""
    if network.levels is not None:
        return logits.float().softmax(1) @ network.levels
    return network.scale[0] + network.scale[1] * logits[:, 0].float()


def devices() -> int:
    """Over how many devices a batch is spread."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def summed(part: Tensor) -> Tensor:
    """The sum over all devices, detached."""
    total = part.detach().clone()
    if devices() > 1:
        distributed.all_reduce(total)
    return total


def whole_batch(part: Tensor) -> tuple[Tensor, slice]:
    """The rows of all devices in the order that one device would see them, detached, and where the own ones are.

    The training loop gives device r the rows r, r + world, r + 2 world …
    """
    world = devices()
    part = part.detach()
    if world == 1:
        return part, slice(None)
    sizes = torch.zeros(world, dtype=torch.int64, device=part.device)
    sizes[distributed.get_rank()] = len(part)
    distributed.all_reduce(sizes)
    padded = part.new_zeros((int(sizes.max()), *part.shape[1:]))
    padded[: len(part)] = part
    parts = [torch.empty_like(padded) for _ in range(world)]
    distributed.all_gather(parts, padded)
    whole = part.new_empty((int(sizes.sum()), *part.shape[1:]))
    for rank, size in enumerate(sizes.tolist()):
        whole[rank::world] = parts[rank][:size]
    return whole, slice(distributed.get_rank(), None, world)


def same_on_all(value: Tensor) -> Tensor:
    """A loss that every device computes of the whole batch, with a gradient through its own rows only.

    Gradients are averaged over devices afterwards: they are to be added up, so each counts `devices()` times. The
    value stays.
    """
    return value.detach() + devices() * (value - value.detach())
