"""A few rendered people who stand for private ones."""

from judge.data.parametric import read_parametric


def rendered(n, tmp_path, **how):
    settings = {"seed": 3, "size": 32, "mode": "natural", "picture_format": "png", "workers": 1}
    data = read_parametric(n, cache_dir=tmp_path, progress=False, **(settings | how))
    return data.manifest
