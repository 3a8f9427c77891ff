"""One sweep: two training shares × three seeds, and an interval over seeds.

The training run is the unit: one is an anecdote, and three are the least for which an interval is printed. Each run
trains a judge on a skewed pool and one on a rebalanced pool of the same size; both judge the same contestants.
"""

import matplotlib.pyplot as plt

import judge
from judge.fairness.sweeps import means_over_seeds

small = ["judge=embedding", "judge.embedding.size=64", "data.n=400", "data.size=64", "data.mode=natural"]
small += ["pool.n=80", "entrants.n=120", "report.page=false", "save_judges=false"]
sweep = judge.sweep([*small, "name=shares", "pool.majority_share=.4,.8", "seed=0,1,2"])
table = sweep.table
african = table[(table["group"] == "african") & (table["condition"] != "truth")]
means = means_over_seeds(african, by=["condition", "share"], outcome="winner_share", bounds=(0, 1))
print(f"{len(sweep)} runs")
print(means.round(2).to_string(index=False))

figure, axes = plt.subplots(figsize=(6, 3.3), layout="constrained")
for offset, (condition, part) in zip((-0.01, 0.01), means.groupby("condition"), strict=True):
    low, high = part["value"] - part["ci_low"], part["ci_high"] - part["value"]
    axes.errorbar(part["share"] + offset, part["value"], yerr=[low, high], fmt="o-", label=condition)
axes.set(xlabel="share of the pool that is caucasian", ylabel="african share of the winners", ylim=(0, 1))
axes.legend(frameon=False)
