"""Any backbone of timm: the head reads as many features as come out, whatever timm says its width is."""

import pytest
import timm
import torch

from judge.jury.network.backbone import RatingNetwork, create_backbone
from judge.jury.network.depths import Depths, pooled_width

#: The smallest model of each family of timm that has one of at most nine million weights.
SMALLEST = [
    "test_efficientnet",
    "test_nfnet",
    "test_mambaout",
    "test_byobnet",
    "test_convnext",
    "test_vit",
    "lcnet_035",
    "test_resnet",
    "starnet_s050",
    "test_coatnet",
    "test_vit_relpos",
    "dla46x_c",
    "mobilevit_xxs",
    "repghostnet_050",
    "edgenext_xx_small",
    "ghostnet_050",
    "ese_vovnet19b_slim_dw",
    "efficientvit_b0",
    "efficientvit_m0",
    "regnetx_002",
    "fasternet_t0",
    "cs3darknet_focus_s",
    "xcit_nano_12_p8_224",
    "swiftformer_xs",
    "inception_next_atto",
    "efficientformerv2_s0",
    "fastvit_t8",
    "pvt_v2_b0",
    "rexnet_100",
    "hardcorenas_b",
    "hgnetv2_b0",
    "pit_ti_224",
    "repvit_m1",
    "tiny_vit_5m_224",
    "coat_tiny",
    "convit_tiny",
    "deit_tiny_patch16_224",
    "gmlp_ti16_224",
    "vit_tiny_r_s16_p8_224",
    "crossvit_tiny_240",
    "densenet121",
    "levit_128s",
    "halonet_h1",
    "dpn48b",
    "resnest14d",
]
#: Wider after the head's own layer than `num_features` says.
WIDER = ["mobilenetv3_small_050", "mobilenetv4_conv_small_035", "ghostnet_050", "mobilenetv3_small_100"]


def read(name: str) -> torch.Tensor:
    cfg = timm.get_pretrained_cfg(name)
    size = cfg.input_size[-1] if cfg.fixed_input_size else max(64, (cfg.min_input_size or (3, 0, 0))[-1])
    network = RatingNetwork(create_backbone(name, "none", size=size)).eval()
    with torch.inference_mode():
        return network(torch.zeros((2, 3, size, size), dtype=torch.uint8)).rating


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_a_small_model_of_each_family_rates_two_pictures(name):
    if not timm.is_model(name):
        pytest.skip(f"timm {timm.__version__} has no {name}")
    assert read(name).shape == (2,)


@pytest.mark.parametrize("name", WIDER)
def test_a_backbone_that_is_wider_than_it_says_is_read_whole(name):
    backbone = create_backbone(name, "none", size=64)
    assert pooled_width(backbone) > backbone.num_features
    assert read(name).shape == (2,)
    assert Depths(cells=(1,)).width(backbone) + pooled_width(backbone) == Depths(
        cells=(1,), final=True
    ).width(backbone)


def test_counting_the_width_changes_nothing():
    backbone = create_backbone("mobilenetv3_small_050", "none", size=64).train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    state = torch.get_rng_state()
    pooled_width(backbone)
    assert backbone.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
