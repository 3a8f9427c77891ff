"""Train and score: a judge learns from 200 rated people and scores 200 others.

The judge is a ridge regression on features of a frozen network. Rendered people have a known truth, so three things can
be told apart: what raters said, what the judge makes of it, and what is so.
"""

import matplotlib.pyplot as plt

from judge.data.parametric import read_parametric
from judge.jury import Embedding, EmbeddingJudge

people = read_parametric(400, size=64, mode="natural", progress=False)
pool, others = people.manifest.iloc[:200], people.manifest.iloc[200:]

judge = EmbeddingJudge(Embedding(size=64), progress=False).fit(pool, rating_range=people.rating_range, seed=0)
scores, unreadable = judge.score(others)
judged = others.merge(scores[["image_id", "score"]], on="image_id")

known = judged[["score", "rating", "truth"]]
print(known.corr().round(2).to_string())
print(judged.groupby("ethnicity")[["score", "rating", "truth"]].agg(["mean", "std"]).round(2).to_string())
print(f"{len(unreadable)} pictures could not be read")

figure, axes = plt.subplots(1, 2, figsize=(7, 3.3), layout="constrained", sharey=True)
for panel, (column, label) in zip(axes, (("rating", "mean rating"), ("truth", "truth")), strict=True):
    for group, part in judged.groupby("ethnicity"):
        panel.scatter(part[column], part["score"], s=9, alpha=0.7, label=group)
    panel.set_xlabel(label)
axes[0].set_ylabel("score")
axes[1].legend(frameon=False, fontsize=8)
