"""Train and score: a judge learns from 150 rated people and scores others.

The judge is a ridge regression on features of a frozen network. Rendered people have a known truth, so three things can
be told apart: what raters said, what the judge makes of it, and what is so.
"""

import matplotlib.pyplot as plt

import judge
from judge.jury import judge_folders, load_judge

settings = [
    "judge=embedding_depths",
    "judge.embedding.size=96",
    "data.n=400",
    "data.mode=natural",
    "report.page=false",
]
run = judge.run([*settings, "pool.n=150", "pool.majority_share=.5", "entrants.n=120"])
members, people = run.table("membership"), run.table("manifest")
entered = members.loc[(members["role"] == "entrant") & (members["condition"] == "skewed"), "image_id"]
others = people[people["image_id"].isin(entered)]

judged, unreadable = load_judge(judge_folders(run.folder, "skewed")["skewed"]).score(others)
judged = others.merge(judged[["image_id", "score"]], on="image_id")
print(judged[["score", "rating", "truth"]].corr().round(2).to_string())
print(judged.groupby("ethnicity")[["score", "rating", "truth"]].agg(["mean", "std"]).round(2).to_string())
print(f"{len(unreadable)} pictures could not be read")

figure, axes = plt.subplots(1, 2, figsize=(7, 3.3), layout="constrained", sharey=True)
for panel, (column, label) in zip(axes, (("rating", "mean rating"), ("truth", "truth")), strict=True):
    for group, part in judged.groupby("ethnicity"):
        panel.scatter(part[column], part["score"], s=9, alpha=0.7, label=group)
    panel.set_xlabel(label)
axes[0].set_ylabel("score")
axes[1].legend(frameon=False, fontsize=8)
