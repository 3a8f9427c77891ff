"""Makes golden_fa_ir.csv.gz and golden_det_const_sort.csv.gz: what other people's implementations answer.

    python -m venv golden && golden/bin/pip install FairRankTune==0.0.7 fairsearchcore==1.0.4
    golden/bin/python tests/mitigation/ranking/make_golden.py

Made with FairRankTune 0.0.7, fairsearchcore 1.0.4, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, Python 3.11. Each file has
a row a random ranking, 200 in all: groups of the people in order of merit, as letters ("p" is protected in the first),
the settings, and the positions of the first k in the library's ranking.

fairsearchcore takes the sum of a pandas column for a hash, which is no Python int any more; it is made one here, and
nothing else is changed.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
N = 200


def fa_ir():
    from fairsearchcore import Fair, fail_prob
    from fairsearchcore.models import FairScoreDoc

    key = fail_prob.LegalAssignmentKey
    own_hash = key.__hash__
    key.__hash__ = lambda self: int(own_hash(self))
    rng = np.random.default_rng(1)
    warnings.simplefilter("ignore")
    for case in range(N):
        k = int(rng.integers(10, 61))
        n = k + int(rng.integers(0, 100))
        actual = rng.uniform(0.05, 0.9)
        # half of them with round numbers, where equal probabilities meet
        share = (
            float(rng.choice([0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9]))
            if case % 2
            else float(rng.uniform(0.05, 0.95))
        )
        alpha = float(rng.choice([0.01, 0.05, 0.1, 0.15]))
        protected = rng.random(n) < actual
        people = [FairScoreDoc(i, float(n - i), bool(p)) for i, p in enumerate(protected)]
        fair = Fair(k, share, alpha)
        yield {
            "k": k,
            "share": repr(share),
            "alpha": alpha,
            "people": "".join("p" if p else "o" for p in protected),
            "minima": numbers(fair.create_unadjusted_mtable()),
            "adjusted_alpha": repr(float(fair.adjust_alpha())),
            "adjusted_minima": numbers(fair.create_adjusted_mtable()),
            "failing": repr(float(fair.compute_fail_probability(fair.create_adjusted_mtable()))),
            "ranking": numbers(person.id for person in fair._re_rank_unadjusted(people)),
            "adjusted_ranking": numbers(person.id for person in fair.re_rank(people)),
        }  # fmt: skip


def det_const_sort():
    from FairRankTune.Rankers import DETCONSTSORT

    rng = np.random.default_rng(2)
    for case in range(N):
        G = int(rng.integers(2, 8))
        k = int(rng.integers(5, 51))
        n = k + int(rng.integers(5, 100))
        groups = rng.choice(list("abcdefg"[:G]), n, p=rng.dirichlet(np.full(G, 1.5)))
        names = sorted(set(groups))
        if case % 2:  # wanted as they are
            shares = {name: float(np.mean(groups == name)) for name in names}
        else:
            shares = dict(zip(names, map(float, rng.dirichlet(np.full(len(names), 3.0))), strict=True))
        order, _, _ = DETCONSTSORT(
            pd.DataFrame(range(n)), dict(enumerate(groups)), pd.DataFrame(np.arange(n, 0, -1.0)), shares, k
        )
        yield {
            "k": k,
            "shares": " ".join(f"{name}={share!r}" for name, share in shares.items()),
            "people": "".join(groups),
            "ranking": numbers(order[0]),
        }


def numbers(values):
    return " ".join(str(int(value)) for value in values)


if __name__ == "__main__":
    for name, cases in (("fa_ir", fa_ir), ("det_const_sort", det_const_sort)):
        table = pd.DataFrame(cases())
        table.to_csv(HERE / f"golden_{name}.csv.gz", index=False, compression={"method": "gzip", "mtime": 1})
        print(name, len(table))
