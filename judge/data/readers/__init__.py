"""Readers: one file for each data set of other people, and `folder` for your own pictures.

A reader is a function `read_x(root, *, …settings, check, exclude) -> Dataset`. It says what the labels and
paths are and puts each thing that it cannot use into an `Exclusions` with its reason; what all readers do
alike (minors, lost and broken files, duplicates, the exclusion list) is in `common`. Its docstring is the
data set's card: origin, licence, layout, labels, ratings, ages, traps. Settings, with `_target_`, are in
conf/data/x.yaml, so that `judge run data=x` and `judge data x` find it.
"""

from judge.data.readers.celeba import read_celeba
from judge.data.readers.cfd import read_cfd
from judge.data.readers.fairface import read_fairface
from judge.data.readers.folder import read_folder
from judge.data.readers.generated import read_generated
from judge.data.readers.london import read_london
from judge.data.readers.mebeauty import read_mebeauty
from judge.data.readers.scut_fbp5500 import read_scut_fbp5500
from judge.data.readers.utkface import read_utkface

__all__ = [
    "read_celeba",
    "read_cfd",
    "read_fairface",
    "read_folder",
    "read_generated",
    "read_london",
    "read_mebeauty",
    "read_scut_fbp5500",
    "read_utkface",
]
