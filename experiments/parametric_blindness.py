"""Is `truth` blind to ethnicity, skin tone, gender and age group?

    python experiments/parametric_blindness.py           about half a minute

20,000 people a seed, ten seeds, both population modes; nothing is rendered. Writes
results/parametric_blindness.csv: the effect size of each feature on truth, mean and largest over the seeds, beside
what chance alone gives, and how many of the ten p-values are below .05.
    groups: correlation ratio η = √(between-group / total sum of squares); tone: Pearson |r| with melanin.
By chance η² is near (k − 1)/(N − 1) for k groups, and |r| near √(2/(π N)).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from judge.data.parametric.people.population import sample
from judge.data.parametric.people.settings import MODES
from judge.data.parametric.people.truth import truth


def effects(people: pd.DataFrame, score: pd.Series) -> dict[str, tuple[float, float, float]]:
    """{feature: (effect size, p-value, effect expected of chance)}."""
    found, total = {}, ((score - score.mean()) ** 2).sum()
    for feature in ("ethnicity", "gender", "age_group"):
        groups = [part for _, part in score.groupby(people[feature])]
        between = sum(len(g) * (g.mean() - score.mean()) ** 2 for g in groups)
        chance = np.sqrt((len(groups) - 1) / (len(score) - 1))
        found[feature] = (np.sqrt(between / total), stats.f_oneway(*groups).pvalue, chance)
    masks = {"tone": np.ones(len(people), bool)}
    masks |= {f"tone within {name}": people["ethnicity"] == name for name in people["ethnicity"].unique()}
    for name, rows in masks.items():
        r, p = stats.pearsonr(score[rows], people.loc[rows, "melanin"])
        found[name] = (abs(r), p, np.sqrt(2 / (np.pi * np.sum(rows))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args()
    rows = []
    for mode in MODES:
        for seed in range(args.seeds):
            people = sample(args.n, seed=1000 + seed, mode=mode)
            score = truth(people, mode=mode)["truth"]
            for feature, (effect, p, chance) in effects(people, score).items():
                rows.append((mode, feature, effect, p, chance))
    table = pd.DataFrame(rows, columns=["mode", "feature", "effect", "p", "chance"])
    by = table.groupby(["mode", "feature"], sort=False)
    result = pd.DataFrame(
        {
            "effect_mean": by["effect"].mean(),
            "effect_largest": by["effect"].max(),
            "effect_by_chance": by["chance"].mean(),
            "p_below_05": by["p"].apply(lambda p: int((p < 0.05).sum())),
            "seeds": by.size(),
            "people_a_seed": args.n,
        }
    ).reset_index()
    args.out.mkdir(parents=True, exist_ok=True)
    result.round(4).to_csv(args.out / "parametric_blindness.csv", index=False)
    print(result.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
