"""One cure: the same scores, standardised within groups before the places are filled.

Group c is read with less of its truth, so its scores spread less and it loses places though nobody is against it. The
method is fitted on other people: on the entrants themselves it would even out chance as well. What it costs is told in
the winners' truth, which is known here and nowhere else.
"""

import numpy as np
import pandas as pd

import judge


def people(n, rng):
    """n people of three groups whose truth is alike and whose scores hold less of it in group c."""
    group, truth = rng.choice(["a", "b", "c"], n), rng.normal(size=n)
    kept = np.where(group == "c", 0.5, 0.9)
    return pd.DataFrame({"group": group, "truth": truth, "score": 5.5 + kept * truth + rng.normal(0, 0.3, n)})


rng = np.random.default_rng(0)
entrants, others = people(900, rng), people(600, rng)
shown = pd.DataFrame({"entrants": entrants["group"].value_counts(normalize=True)})
for method in ("standardise_within", "quantile_match", "quota"):
    fit = None if method == "quota" else others
    after = judge.rerank(entrants, method=method, feature="group", score="score", places=45, fit=fit)
    shown["as judged"] = after.loc[after["winner_before"], "group"].value_counts(normalize=True)
    shown[method] = after.loc[after["winner_after"], "group"].value_counts(normalize=True)
    before, now = (after.loc[after[name], "truth"].mean() for name in ("winner_before", "winner_after"))
    print(f"{method:20} winners' truth {before:.2f} before, {now:.2f} after")

axes = shown.T.plot.barh(stacked=True, figsize=(7, 2.8), color=["#9db4c0", "#5c8097", "#b4531a"], width=0.7)
axes.set(xlabel="share")
axes.invert_yaxis()
axes.legend(title="group", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
