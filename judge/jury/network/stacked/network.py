"""K rating networks of one structure as one network whose channels are theirs, one after the other.

A convolution of K · C channels in K groups is K convolutions; batch norm has statistics of its own for each channel, so
that it stays exact; what is elementwise, and pooling over the picture, needs no change. Nothing else may be in the
network: a layer norm, or attention, would mix the networks.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import chain

import torch
from timm.layers import BatchNormAct2d, DropPath, SelectAdaptivePool2d
from timm.models._efficientnet_blocks import (
    ConvBnAct,
    DepthwiseSeparableConv,
    EdgeResidual,
    InvertedResidual,
    SqueezeExcite,
)
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

from judge.errors import InputError
from judge.jury.network.backbone import RatingNetwork, Reading

#: Modules that only hold others, or work on each channel by itself.
HOLDERS = (ConvBnAct, DepthwiseSeparableConv, EdgeResidual, InvertedResidual, SqueezeExcite, nn.Sequential)
ELEMENTWISE = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Sigmoid,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Dropout,  # timm's blocks hold one of rate 0 at most; see refused_modules
)


def refused_modules(network: RatingNetwork, stage: int) -> str | None:
    """Why networks like this one cannot be stacked from `stage` on; None: they can."""
    backbone = network.backbone
    if type(backbone) is not EfficientNet:
        return f"{type(backbone).__name__} is not known to keep channels apart; EfficientNet and its kin are"
    if network.projection is not None:
        return "its head reads a projection"
    if stage > 0:
        try:
            network.stages_before(stage)
        except InputError as error:
            return str(error)
    known = (nn.Conv2d, nn.BatchNorm2d, DropPath, *HOLDERS, *ELEMENTWISE)  # BatchNormAct2d is a BatchNorm2d
    for part in _trained_parts(network, stage):
        for name, module in part.named_modules():
            if type(module).__name__ in ("Swish", "HardSwish", "HardSigmoid", "Sigmoid"):
                continue  # timm's own elementwise functions
            own = isinstance(module, nn.BatchNorm2d) and type(module) not in (nn.BatchNorm2d, BatchNormAct2d)
            if not isinstance(module, known) or own or (isinstance(module, nn.Dropout) and module.p > 0):
                return f"{type(module).__name__} ({name or 'a block'}) is not known to keep channels apart"
    pool = backbone.global_pool
    final = network.depths is None or network.depths.final
    if final and not (isinstance(pool, SelectAdaptivePool2d) and pool.pool_type in ("avg", "max")):
        return f"its pooling is {pool}; average and maximum are known"
    return "the backbone drops features itself (drop_rate)" if getattr(backbone, "drop_rate", 0.0) else None


def _trained_parts(network: RatingNetwork, stage: int) -> list[nn.Module]:
    backbone = network.backbone
    first = [backbone.conv_stem, backbone.bn1] if stage == 0 else []
    return [*first, *backbone.blocks[max(stage - 1, 0) :], backbone.conv_head, backbone.bn2]


class Draws:
    """A random generator for each network, so that each draws what it would draw alone. Shared by copies."""

    def __init__(self, generators: Sequence[torch.Generator]):
        self.generators = list(generators)

    def __deepcopy__(self, memo: object) -> Draws:
        return self

    def keep(self, shape: Sequence[int], probability: float, like: Tensor) -> Tensor:
        """(K, *shape): 1 / probability where something is kept, else 0."""
        masks = [like.new_empty(shape).bernoulli_(probability, generator=g) for g in self.generators]
        return torch.stack(masks).div_(probability)


class Pointwise(nn.Conv2d):
    """K convolutions of one pixel, as a batched matrix product: for GPUs."""

    def forward(self, x: Tensor) -> Tensor:
        (b, _, h, w), k = x.shape, self.groups
        rows = x.permute(0, 2, 3, 1).reshape(b * h * w, k, -1).transpose(0, 1)
        weight = self.weight.flatten(1).unflatten(0, (k, -1)).transpose(1, 2)
        out = torch.bmm(rows, weight).transpose(0, 1).reshape(b, h, w, -1).permute(0, 3, 1, 2)
        return out if self.bias is None else out + self.bias.view(1, -1, 1, 1)


class StackedDropPath(nn.Module):
    """K stochastic depths: each network drops the branches of its own pictures."""

    def __init__(self, path: DropPath, draws: Draws):
        super().__init__()
        if not path.scale_by_keep:
            raise InputError("a drop path that does not scale cannot be stacked")
        self.rate, self.draws = float(path.drop_prob), draws

    def forward(self, x: Tensor) -> Tensor:
        if not self.rate or not self.training:
            return x
        kept = self.draws.keep((len(x), 1, 1, 1), 1 - self.rate, x).flatten(1).T  # (B, K)
        return x * kept.repeat_interleave(x.shape[1] // kept.shape[1], 1)[:, :, None, None]


class StackedHead(nn.Module):
    """K linear layers: (K, B, F) → (K, B, L)."""

    def __init__(self, heads: Sequence[nn.Linear]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([head.weight.detach() for head in heads]))
        self.bias = nn.Parameter(torch.stack([head.bias.detach() for head in heads]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias[:, None], x, self.weight.transpose(1, 2))


class StackedNetwork(nn.Module):
    """K rating networks, of which stages before `stage` are frozen and equal, as one.

    networks  frozen as their trainings freeze them; they are not changed
    draws     what each network draws its dropout from
    bmm       convolutions of one pixel as batched matrix products, for GPUs (on CPUs they are slower)

    Raises InputError for what is not known to keep the networks apart, and for frozen stages that differ.
    """

    def __init__(
        self, networks: Sequence[RatingNetwork], stage: int, draws: Draws, *, bmm: bool = False
    ) -> None:
        super().__init__()
        if reason := refused_modules(networks[0], stage):
            raise InputError(f"these trainings cannot be stacked: {reason}")
        self.k, self.stage, self.draws = len(networks), stage, draws
        first = networks[0]
        self._shapes = {name: value.shape for name, value in first.state_dict().items()}
        self.core = core = copy.deepcopy(first)
        trained = set(chain.from_iterable(part.modules() for part in _trained_parts(core, stage)))
        for name, module in list(core.named_modules()):
            if module in trained and isinstance(module, nn.Conv2d | nn.BatchNorm2d):
                _join(module, [network.get_submodule(name) for network in networks])
        states = [network.state_dict() for network in networks]
        for name, value in core.state_dict().items():
            if value.shape != self._shapes[name] or name.split(".")[0] in ("head", "standard", "scale"):
                continue
            if any(not torch.equal(state[name], value) for state in states[1:]):
                raise InputError(
                    f"these trainings cannot be stacked: their frozen {name} differ (weights=none of several seeds?)"
                )
        core.standard = torch.stack([network.standard for network in networks])
        core.scale = torch.stack([network.scale for network in networks])
        core.head = StackedHead([network.head for network in networks])
        for module in trained:
            if bmm and type(module) is nn.Conv2d and _is_pointwise(module, self.k):
                module.__class__ = Pointwise  # its parameters keep their names
            for name, child in list(module.named_children()):
                if isinstance(child, DropPath):
                    setattr(module, name, StackedDropPath(child, draws))

    def stem(self) -> nn.Sequential | None:
        """The frozen stages, which all networks share: normalised pixels → activations."""
        return self.core.stages_before(self.stage).eval() if self.stage else None

    def normalised(self, pixels: Tensor) -> Tensor:
        """(…, 3, H, W), 0–255, as the backbone takes them."""
        return (pixels.float() - self.core.mean) / self.core.std

    def forward(self, x: Tensor) -> Reading:
        """x: (B, K · C, h, w), activations of the stem, or normalised pixels without one. K · B rows, by network."""
        core, k = self.core, self.k
        backbone, depths = core.backbone, core.depths
        # the same walk as RatingNetwork._features, where a map is that of B · K pictures when it is read
        ends = [] if depths is None else core._ends()
        if not self.stage:
            x = backbone.bn1(backbone.conv_stem(x))
        maps = [x] if self.stage and self.stage - 2 in ends else []
        start = max(self.stage - 1, 0)
        for number, block in enumerate(backbone.blocks[start:], start):
            x = block(x)
            if number in ends:
                maps.append(x)
        last = None
        if depths is None or depths.final:
            x = backbone.bn2(backbone.conv_head(x))
            last = backbone.forward_head(x).unflatten(1, (k, -1)).flatten(0, 1)
        b = len(x)
        apart = [m.unflatten(1, (k, -1)).flatten(0, 1) for m in maps]
        features = last if depths is None else depths.pool(apart, last)
        features = features.unflatten(0, (b, k)).transpose(0, 1)  # (K, B, F)
        features = (features - core.standard[:, :1]) / core.standard[:, 1:]
        if self.training and core.dropout.p:
            features = features * self.draws.keep(features.shape[1:], 1 - core.dropout.p, features)
        logits = core.head(features).flatten(0, 1)
        scale = self.scale_of_rows(b)
        if core.levels is not None:
            rating = logits.float().softmax(1) @ core.levels
        else:
            rating = scale[0] + scale[1] * logits[:, 0].float()
        return Reading(rating, logits, features.flatten(0, 1))

    def changing(self) -> list[Tensor]:
        """What a training changes, weights and batch statistics, in one order for all copies; not the frozen stages."""
        parts = [*_trained_parts(self.core, self.stage), self.core.head]
        return [value for part in parts for value in part.state_dict().values()]

    def scale_of_rows(self, b: int) -> Tensor:
        """(2, K · B): centre and spread of the network that each row is of, as RatingNetwork.scale has them."""
        return self.core.scale.T.repeat_interleave(b, 1)

    def tensors_of(self, number: int) -> dict[str, Tensor]:
        """What the state_dict of that network alone would hold."""
        out = {}
        for name, value in self.core.state_dict().items():
            shape = self._shapes[name]
            if value.numel() == self.k * shape.numel() and value.shape != shape:
                value = value.unflatten(0, (self.k, -1))[number].reshape(shape)
            out[name] = value
        return out


def _join(module: nn.Module, those: Sequence[nn.Module]) -> None:
    """Makes the module hold the channels of all those modules."""
    for kind in ("_parameters", "_buffers"):
        for name, value in list(getattr(module, kind).items()):
            if value is None or value.ndim == 0:  # num_batches_tracked, equal in all
                continue
            joined = torch.cat([getattr(one, name).detach() for one in those])
            if kind == "_parameters":
                joined = nn.Parameter(joined, requires_grad=value.requires_grad)
            setattr(module, name, joined)
    for name in ("in_channels", "out_channels", "groups", "num_features"):
        if hasattr(module, name):
            setattr(module, name, getattr(module, name) * len(those))


def _is_pointwise(conv: nn.Conv2d, k: int) -> bool:
    return conv.kernel_size == (1, 1) and conv.stride == (1, 1) and conv.groups == k and not any(conv.padding)


def norm_of_each(gradients: Sequence[Tensor], k: int) -> Tensor:
    """(K,): each network's norm over its slices of all gradients."""
    norms = [torch.linalg.vector_norm(g.reshape(k, -1), dim=1) for g in gradients]
    return torch.linalg.vector_norm(torch.stack(norms), dim=0)


@torch.no_grad()
def clip_each(parameters: Sequence[nn.Parameter], k: int, largest: float) -> None:
    """nn.utils.clip_grad_norm_ for each network by itself."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    factor = (largest / (norm_of_each(gradients, k) + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g.mul_(factor.repeat_interleave(g.shape[0] // k).view(-1, *[1] * (g.ndim - 1)))
