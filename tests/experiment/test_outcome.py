"""A contest of photographs ranks pictures; what it is audited by counts people."""

import numpy as np
import pandas as pd
import pytest

from judge.contest import Contest
from judge.experiment.outcome import Field, hold


@pytest.mark.parametrize("refused", [0, 6])
def test_people_of_several_pictures_count_once_in_the_audit_of_a_run(refused):
    rng = np.random.default_rng(0)
    n = 60
    manifest = pd.DataFrame(
        {
            "image_id": [f"p{i}" for i in range(n)],
            # twenty people of two pictures each, eighteen of one, and two pictures of nobody known
            "person_id": [
                *(f"twice{i // 2}" for i in range(40)),
                *(f"once{i}" for i in range(18)),
                None,
                None,
            ],
            "ethnicity": ["x", "x", "y", "y"] * 15,
            "gender": "female",
            "rating": rng.normal(size=n),
        }
    )
    scores = pd.DataFrame({"image_id": manifest["image_id"], "score": rng.normal(size=n)})
    field = Field(manifest, "ethnicity", None, 0.95, 20, 0)
    admitted = manifest.iloc[refused:]
    tables = hold(Contest(places=5, brackets=("gender",)), field, admitted, scores)
    assert len(tables["ranking"]) == n - refused
    entered = tables["audit"].query("metric == 'entrant_share'")
    assert entered["n"].sum() == 40
    winners = tables["ranking"].query("winner")["image_id"]
    people = manifest.set_index("image_id").loc[winners, "person_id"].nunique()
    assert tables["audit"].query("metric == 'winner_share'")["n"].iloc[0] == people
