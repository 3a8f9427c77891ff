"""Draw a pool: nine in ten of one group, and redrawn with equal shares.

Every contest begins with a pool of training pictures whose shares are chosen. Redrawing it is what "collect more
balanced data" means: as many pictures, equal shares, new people from the same source. The people are rendered and do
not exist.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.image import imread

from judge.data import draw
from judge.data.parametric import read_parametric
from judge.mitigation.pools import Redraw

rng = np.random.default_rng(0)
source = read_parametric(400, size=64, mode="natural", progress=False).manifest
shares = {"african": 0.05, "asian": 0.05, "caucasian": 0.9}
skewed = draw(source, 40, shares, feature="ethnicity", jointly="gender", rng=rng)
redrawn = Redraw()(skewed, source, feature="ethnicity", rng=rng)
for name, pool in (("skewed", skewed), ("redrawn", redrawn)):
    print(f"{name:8}", pool["ethnicity"].value_counts().to_dict(), f"mean rating {pool['rating'].mean():.2f}")

figure, axes = plt.subplots(4, 10, figsize=(7, 3.3), layout="constrained")
for first, (name, pool) in zip((0, 2), (("skewed", skewed), ("redrawn", redrawn)), strict=True):
    shown = pool.sample(20, random_state=1)
    for panel, path in zip(axes[first : first + 2].flat, shown["path"], strict=True):
        panel.imshow(imread(path))
        panel.set_axis_off()
    axes[first, 0].set_title(name, loc="left", fontsize=9)
