"""Networks and trainings in files: the same bits back, the old file after a failure, damage named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from judge.errors import InputError
from judge.storage.tensors import (
    load_module,
    load_optimizer,
    load_tensors,
    module_tensors,
    optimizer_tensors,
    part_of,
    save_tensors,
)


def test_tensors_and_facts_come_back_as_they_were(tmp_path):
    tensors = {
        "half": torch.tensor([0.1, -2], dtype=torch.bfloat16),
        "turned": torch.arange(6).reshape(2, 3).T,
        "grad": torch.ones(2, requires_grad=True),
    }
    save_tensors(tmp_path / "new" / "x.safetensors", tensors, {"epoch": 3, "losses": [0.5], "name": "ü"})
    found, facts = load_tensors(tmp_path / "new" / "x.safetensors")
    assert facts == {"epoch": 3, "losses": [0.5], "name": "ü"}
    assert found.keys() == tensors.keys()
    assert all(
        torch.equal(found[name], tensors[name]) and found[name].dtype == tensors[name].dtype
        for name in tensors
    )


def test_tensors_that_share_memory_can_be_saved(tmp_path):
    shared = torch.arange(4.0)
    save_tensors(tmp_path / "x.safetensors", {"a": shared, "b": shared[1:]}, {})
    assert load_tensors(tmp_path / "x.safetensors")[0]["b"].tolist() == [1, 2, 3]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "x.safetensors"
    save_tensors(file, {"a": torch.ones(2)}, {"n": 1})

    def broken_disk(tensors, name, metadata):
        Path(name).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("judge.storage.tensors.save_file", broken_disk)
    with pytest.raises(OSError, match="no space"):
        save_tensors(file, {"a": torch.zeros(2)}, {"n": 2})
    tensors, facts = load_tensors(file)
    assert tensors["a"].tolist() == [1, 1]
    assert facts == {"n": 1}
    assert [f.name for f in tmp_path.iterdir()] == ["x.safetensors"]


def test_facts_that_are_no_json_leave_the_old_file(tmp_path):
    file = tmp_path / "x.safetensors"
    save_tensors(file, {}, {"n": 1})
    with pytest.raises(TypeError):
        save_tensors(file, {}, {"n": object()})
    assert load_tensors(file)[1] == {"n": 1}


def test_a_damaged_file_and_one_of_somebody_else_are_named(tmp_path):
    file = tmp_path / "x.safetensors"
    save_tensors(file, {"a": torch.ones(2)}, {})
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"x\.safetensors is damaged"):
        load_tensors(file)
    save_file({"a": torch.ones(2)}, file)
    with pytest.raises(InputError, match=r"x\.safetensors says nothing"):
        load_tensors(file)
    with pytest.raises(FileNotFoundError, match="missing"):
        load_tensors(tmp_path / "missing.safetensors")


def trained(steps, seed=0):
    torch.manual_seed(seed)
    net = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    go_on(net, optimizer, steps)
    return net, optimizer


def go_on(net, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()


def test_a_training_that_is_read_back_goes_on_in_the_same_bits(tmp_path):
    whole, _ = trained(6)
    net, optimizer = trained(3)
    state = {**module_tensors("network", net), **optimizer_tensors("optimizer", optimizer)}
    save_tensors(tmp_path / "state.safetensors", state, {})
    tensors, _ = load_tensors(tmp_path / "state.safetensors")
    again, optimizer = trained(0, seed=9)
    load_module("network", again, tensors)
    load_optimizer("optimizer", optimizer, tensors)
    go_on(again, optimizer, 3)
    assert torch.equal(whole.weight, again.weight)


def test_a_prefix_is_a_whole_word_and_a_module_takes_no_other_names():
    tensors = {"net.weight": torch.ones(1), "network.weight": torch.zeros(1)}
    assert part_of("net", tensors) == {"weight": torch.ones(1)}
    with pytest.raises(InputError, match=r"(?s)the saved net does not fit: .*bias"):
        load_module("net", nn.Linear(1, 1), tensors)
