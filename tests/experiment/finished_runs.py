"""Finished runs of four contestants, written as a run writes them; nothing is trained."""

import hashlib

import numpy as np
import pandas as pd

from judge.experiment.run_folder import RunDir
from judge.experiment.runs.rows import comparison_of, flattened

CONDITIONS = ("skewed", "rebalanced")


def manifest(first=0, n=4):
    """People i… of the data set; each is the same whoever draws them."""
    ids = np.arange(first, first + n)
    return pd.DataFrame(
        {
            "image_id": [f"i{i}" for i in ids],
            "path": [f"/pictures/{i}.png" for i in ids],
            "rating": ids + 0.5,
            "ethnicity": np.where(ids % 2, "asian", "african"),
            "age": ids * 1.0,
            "person_id": None,
            "blemishes": ids,
        }
    )


def tables(seed, first=0):
    who = manifest(first)
    audit = pd.DataFrame(
        [
            {"condition": condition, "metric": metric, "feature": "ethnicity", "group": group,
             "value": value + seed / 100, "n": 2, "bracket": bracket}
            for condition in CONDITIONS
            for group in ("african", "asian")
            for metric, value, bracket in (("winner_share", 0.5, "all"), ("entrant_share", 0.25, "within"),
                                           ("winner_share", 9.0, "men"), ("entropy", 1.0, "all"))
        ]
    )  # fmt: skip
    ranking = pd.DataFrame(
        [
            {"image_id": name, "condition": condition, "bracket": "all", "score": 4.0 - i, "rank": i + 1,
             "winner": i == 0}
            for condition in CONDITIONS
            for i, name in enumerate(who["image_id"])
        ]
    )  # fmt: skip
    member = pd.DataFrame({"image_id": who["image_id"], "condition": "skewed", "role": "entrant"})
    return {"audit": audit, "manifest": who, "membership": member, "ranking": ranking}


def finished(folder, *, seed=0, share=0.9, first=0, compact=True, **settings):
    run = RunDir(folder)
    digest = hashlib.blake2b(f"{seed} {share} {settings}".encode(), digest_size=8).hexdigest()
    run.claim(digest, f"seed: {seed}\npool:\n  majority_share: {share}\n")
    written = tables(seed, first)
    if compact:
        run.write_compact("d", **written)
    else:
        run.write_tables(**written)
    facts = {
        "seed": seed, "majority_share": share, "feature": "ethnicity", "majority": "asian", "reference": "asian",
        "conditions": list(CONDITIONS), "trained_as": {name: name for name in CONDITIONS},
        "pool_n": {}, "pool_shares": {},
        "settings": flattened({"seed": seed, "pool": {"majority_share": share}, **settings}),
        "comparison": comparison_of(written),
    }  # fmt: skip
    run.finish(digest, 0.0, facts)
    return run
