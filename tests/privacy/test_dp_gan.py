"""DP-GAN: what one person can move, noise and its account, and the loop end to end on discs of two colours."""

import math

import numpy as np
import pytest
import torch
from discs import discs
from opacus.optimizers import DPOptimizer
from torch.nn import functional

from judge.errors import InputError
from judge.generator import Conditions, FaceGenerator
from judge.generator.networks import Generator
from judge.privacy.budget import Budget, BudgetError
from judge.privacy.pools.clipped import PrivateDiscriminator, PrivateSteps
from judge.privacy.pools.dp_gan import DPGAN
from judge.privacy.pools.pool import Release, make_pool

CLIP = 0.5
WIDTH = 4


def private_steps(noise_multiplier=0.0, seed=0, chunk=128, clip=CLIP):
    torch.manual_seed(seed)
    return PrivateSteps(
        PrivateDiscriminator(16, (8, 8), WIDTH),
        clip=clip,
        noise_multiplier=noise_multiplier,
        expected=8,
        lr=1e-3,
        noise=torch.Generator().manual_seed(seed),
        chunk=chunk,
    )


def examples(n, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, 16, 16, generator=rng) * 2 - 1, torch.randn(n, WIDTH, generator=rng)


def with_a_planted_one(real):
    """One more: a bright picture whose labels are a million, so that its gradient is huge."""
    pictures, conditions = real
    return torch.cat([pictures, torch.ones(1, 3, 16, 16)]), torch.cat(
        [conditions, torch.full((1, WIDTH), 1e6)]
    )


def moved_by_the_planted_one():
    steps, real, fake = private_steps(), examples(6, seed=1), examples(8, seed=2)
    before = steps.clipped_sum(real, fake)
    return float((steps.clipped_sum(with_a_planted_one(real), fake) - before).norm())


def test_a_person_of_a_huge_gradient_moves_the_sum_by_the_clip_at_most():
    assert 0.99 * CLIP < moved_by_the_planted_one() <= CLIP * (1 + 1e-5)


def test_without_clipping_the_same_person_moves_it_by_far_more(monkeypatch):
    def only_summed(optimizer):
        for p, grads in zip(optimizer.params, optimizer.grad_samples, strict=True):
            p.summed_grad = grads.sum(0) if p.summed_grad is None else p.summed_grad + grads.sum(0)

    monkeypatch.setattr(DPOptimizer, "clip_and_accumulate", only_summed)
    assert moved_by_the_planted_one() > 1000 * CLIP


def test_under_a_clip_that_nobody_reaches_the_sum_is_the_plain_gradient():
    steps, real, fake = private_steps(clip=1e6), examples(6, seed=1), examples(8, seed=2)
    found = steps.clipped_sum(real, fake)
    with steps.looked_at() as network:
        network.requires_grad_(True)
        loss = functional.softplus(-network(*real)).sum() + functional.softplus(network(*fake)).sum()
        plain = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])
    assert torch.allclose(found, plain, atol=1e-4)


def test_generated_examples_are_clipped_alike():
    steps, nobody = private_steps(), (torch.empty(0, 3, 16, 16), torch.empty(0, WIDTH))
    huge = torch.ones(2, 3, 16, 16), torch.full((2, WIDTH), 1e6)
    assert float(steps.clipped_sum(nobody, huge).norm()) <= 2 * CLIP * (1 + 1e-5)


def test_chunks_do_not_change_the_sum():
    real, fake = examples(7, seed=1), examples(5, seed=2)
    whole = private_steps(chunk=128).clipped_sum(real, fake)
    assert torch.allclose(private_steps(chunk=5).clipped_sum(real, fake), whole, atol=1e-5)


def test_noise_has_the_stated_scale_and_comes_once_a_step_however_many_chunks():
    real, fake = examples(7, seed=1), examples(5, seed=2)
    clean = private_steps().clipped_sum(real, fake)
    drawn = []
    for seed in range(5):
        steps = private_steps(noise_multiplier=3.0, chunk=4)
        steps.optimizer.generator.manual_seed(seed)
        steps.optimizer.attach_step_hook(
            lambda optimizer: drawn.append(
                torch.cat([p.grad.flatten() * optimizer.expected_batch_size for p in optimizer.params])
            )
        )
        steps.step(real, fake)
    noise = torch.stack(drawn) - clean
    # 5 × 3,000 and more draws: their standard deviation is known to 1 %
    assert float(noise.std()) == pytest.approx(3.0 * CLIP, rel=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=0.05)


def test_a_step_on_which_nobody_was_sampled_is_a_step():
    steps = private_steps(noise_multiplier=1.0)
    before = [p.detach().clone() for p in steps.optimizer.params]
    steps.step((torch.empty(0, 3, 16, 16), torch.empty(0, WIDTH)), examples(4, seed=2))
    assert all(not torch.equal(a, b) for a, b in zip(before, steps.optimizer.params, strict=True))


def test_a_look_by_the_generator_reaches_pictures_and_leaves_no_gradient_behind():
    steps = private_steps()
    pictures, conditions = examples(3, seed=4)
    pictures.requires_grad_(True)
    with steps.looked_at() as judged:
        judged(pictures, conditions).sum().backward()
    assert float(pictures.grad.abs().sum()) > 0
    assert all(getattr(p, "grad_sample", None) is None and p.grad is None for p in steps.optimizer.params)
    steps.step(examples(3, seed=5), examples(3, seed=6))  # and the next step is as ever


def test_a_network_that_mixes_people_is_refused():
    network = PrivateDiscriminator(16, (8, 8), WIDTH)
    network.trunk[3] = torch.nn.BatchNorm2d(8)
    with pytest.raises(Exception, match="BatchNorm"):
        PrivateSteps(network, clip=1, noise_multiplier=1, expected=8, lr=1e-3, noise=torch.Generator())


TINY = {
    "size": 16, "widths": (8, 8), "discriminator_widths": (8, 8), "latent": 4, "steps": 6, "batch": 20, "each": 2,
    "generated": 8,
}  # fmt: skip


def pool(folder, epsilon=10.0, noise=0, seed=0, **settings):
    release = Release(
        Budget(epsilon),
        ["ethnicity"],
        {"ethnicity": ["dark", "light"]},
        (2.0, 7.0),
        n=12,
        bins=4,
        labels_weight=3.0,
    )
    return make_pool(
        DPGAN(**{**TINY, **settings}),
        discs(folder),
        release,
        noise=np.random.default_rng(noise),
        seed=seed,
        progress=False,
    )


@pytest.mark.slow
def test_a_pool_of_discs(tmp_path):
    made = pool(tmp_path / "people")
    assert made.pictures.shape == (12, 3, 16, 16)
    assert set(made.manifest["ethnicity"]) == {"dark", "light"}
    of_steps = made.statement["mechanisms"][1]
    assert (of_steps["steps_planned"], of_steps["steps_used"]) == (6, 6)
    assert of_steps["sample_rate"] == 20 / 200
    assert made.statement["spent"]["opacus_rdp"] <= 10
    again = pool(tmp_path / "people")
    assert torch.equal(made.pictures, again.pictures)
    assert made.manifest.equals(again.manifest)
    assert not torch.equal(made.pictures, pool(tmp_path / "people", noise=1).pictures)


@pytest.mark.slow
def test_a_start_that_is_not_moved_draws_its_own_people(tmp_path):
    # two steps of the discriminator, none of the generator: the pool is what the start draws of the asked people
    torch.manual_seed(0)
    conditions = Conditions({"ethnicity": ("dark", "light")}, {}, ((("dark",), 1), (("light",), 1)), {})
    start = FaceGenerator(Generator(16, (8, 8), conditions.width, 4).eval(), 16, conditions)
    start.save(tmp_path / "start")
    made = pool(tmp_path / "people", steps=2, each=3, start=str(tmp_path / "start"))
    drawn = start.draw(made.manifest[["ethnicity"]], seed=0)
    assert torch.equal(made.pictures, drawn)
    assert "taken for public" in made.statement["public"]["start"]
    moved = pool(tmp_path / "people", steps=6, each=1, start=str(tmp_path / "start"))
    assert not torch.equal(moved.pictures, drawn)
    with pytest.raises(InputError, match="draws 64 px"):
        pool(tmp_path / "people", start="packaged")


@pytest.mark.slow
def test_without_a_budget_there_is_no_noise(tmp_path):
    made = pool(tmp_path / "people", epsilon=math.inf)
    assert not made.statement["protects"]
    assert made.statement["mechanisms"][1]["noise_multiplier"] == 0


@pytest.mark.slow
def test_a_loop_without_noise_is_found_before_it_sees_anybody(tmp_path, monkeypatch):
    plain = PrivateSteps.__init__
    monkeypatch.setattr(
        PrivateSteps, "__init__", lambda self, *a, **how: plain(self, *a, **{**how, "noise_multiplier": 0.0})
    )
    with pytest.raises(BudgetError, match="noise multiplier of 0"):
        pool(tmp_path / "people")


def test_settings_are_refused_by_name(tmp_path):
    for wrong in (
        {"steps": 0},
        {"batch": 2.5},
        {"clip": 0},
        {"clip": math.inf},
        {"discriminator_widths": (12,)},
        {"discriminator_widths": ()},
        {"discriminator_lr": True},
        {"size": 40},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            DPGAN(**wrong)
    with pytest.raises(InputError, match="batch=300: at most the 200"):
        DPGAN(batch=300).mechanisms(200)
    with pytest.raises(InputError, match="cannot be halved 5 times"):
        DPGAN(size=48, discriminator_widths=(8, 8, 8, 8, 8))
