"""What the packages of the data room hand on."""

import importlib

import pytest

PACKAGES = ("", ".readers", ".parametric", ".parametric.people", ".parametric.picture")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_that_a_package_hands_on_is_there(name):
    package = importlib.import_module(f"judge.data{name}")
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public).__name__ == public


@pytest.mark.parametrize("name", PACKAGES)
def test_a_name_that_a_package_lacks_is_no_attribute(name):
    with pytest.raises(AttributeError, match="nonsense"):
        _ = importlib.import_module(f"judge.data{name}").nonsense
