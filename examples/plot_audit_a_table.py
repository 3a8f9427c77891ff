"""Audit a table: who won, by how much, and what so few winners could have shown.

A table of entrants needs a column of groups and one of scores or winners. Group c's mean is that of the others; its
scores only spread less, and a contest takes from the upper tail.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import judge

rng = np.random.default_rng(2016)
n = 900
group = np.repeat(["a", "b", "c"], n // 3)
spread = np.where(group == "c", 0.8, 1.0)
people = pd.DataFrame(
    {"group": group, "gender": rng.choice(["female", "male"], n), "score": spread * rng.normal(size=n)}
)

numbers = judge.audit(people, features="group", score="score", brackets="gender", places=25)
shares = numbers[(numbers["metric"] == "winner_share") & (numbers["bracket"] == "all")].set_index("group")
ratio = numbers[numbers["metric"] == "selection_rate_ratio"].set_index("group")
print(ratio[["value", "ci_low", "ci_high", "p_value", "p_adjusted", "reference"]].round(3).to_string())
power = numbers[numbers["metric"].str.startswith("power_at")]
print(power[["group", "metric", "value"]].round(2).to_string(index=False))

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.axvline(1 / 3, color="0.7", zorder=0)
axes.errorbar(
    shares["value"],
    shares.index,
    xerr=np.abs(shares[["ci_low", "ci_high"]].to_numpy().T - shares["value"].to_numpy()),
    fmt="o",
    color="#1f3a4d",
)
axes.set(xlabel="share of the winners (line: of the entrants)", ylabel="group", xlim=(0, 0.7))
