"""What is proposed for a folder that nobody has described, and that the reader takes it."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.data.own.columns import fits, genders, name_points, plain
from judge.data.own.proposal import propose
from judge.data.readers.folder import read_folder

N = 24


def pictures(root, names):
    rng = np.random.default_rng(0)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(root / name)
    return root


def people(**more):
    turn = np.arange(N)
    return pd.DataFrame(
        {
            "lfd": turn + 1,
            "Score_mean": 1 + turn % 7 * 0.5,
            "Score_sd": 0.1 + turn % 5 / 10,
            "race4": np.array(["W", "B"])[turn % 2],
            "Geschlecht": np.array(["w", "m"])[turn // 2 % 2],
            "Alter": 20 + turn,
            **more,
        }
    )


def read(proposal):
    return read_folder(**proposal.settings)


def test_columns_of_odd_names_are_known_by_name_and_values(tmp_path):
    pictures(tmp_path, [f"Fotos/IMG {i}.jpg" for i in range(N)])
    table = people(Pfad=[rf"C:\Users\me\Fotos\IMG {i}.JPG" for i in range(N)])
    table.loc[0, "Alter"], table.loc[1, "Pfad"] = 16, r"C:\lost.jpg"
    table.to_csv(tmp_path / "Liste.csv", sep=";", decimal=",", index=False)
    proposal = propose(tmp_path)
    assert proposal.settings == {
        "root": str(tmp_path),
        "table": "Liste.csv",
        "image": "Pfad",
        "columns": {"gender": "Geschlecht", "ethnicity": "race4", "rating": "Score_mean", "age": "Alter"},
        "values": {"gender": {"w": "female", "m": "male"}},
    }
    data = read(proposal)
    assert data.excluded["reason"].value_counts().to_dict() == {
        "no label": 1, "may be under 18": 1, "file missing": 1
    }  # fmt: skip
    assert set(data.manifest["gender"]) == {"female", "male"}
    assert data.manifest["rating"].iloc[0] == 1 + 2 * 0.5  # of IMG 2
    assert any("23 file name(s) of the table are written otherwise" in note for note in data.notes)


def test_a_workbook_with_names_without_endings_and_a_folder_a_group(tmp_path):
    names = [f"{'west' if i % 2 else 'east'}/face {i}.png" for i in range(N)]
    pictures(tmp_path, names)
    table = people()[["Score_mean"]].assign(**{"file name": [f"face {i}" for i in range(N)]})
    table.to_excel(tmp_path / "scores.xlsx", index=False)
    proposal = propose(tmp_path)
    assert proposal.settings["folders"] == "ethnicity"
    assert proposal.settings["image"] == "file name"
    data = read(proposal)
    assert data.manifest["ethnicity"].value_counts().to_dict() == {"east": 12, "west": 12}
    assert data.manifest["rating"].notna().all()


def test_folders_without_a_table_are_groups_and_the_lack_of_ratings_is_said(tmp_path):
    pictures(tmp_path, [f"{'b' if i % 3 else 'a'}/{i}.png" for i in range(N)])
    proposal = propose(tmp_path)
    assert proposal.settings == {"root": str(tmp_path), "folders": "ethnicity"}
    assert any("no ratings were found" in note for note in proposal.notes)
    assert read(proposal).manifest["ethnicity"].value_counts().to_dict() == {"b": 16, "a": 8}
    # folders of splits are no groups, and neither are those of a few stray pictures
    pictures(tmp_path / "x", [f"{'train' if i % 2 else 'test'}/{i}.png" for i in range(N)])
    assert "folders" not in propose(tmp_path / "x").settings
    pictures(tmp_path / "y", [*(f"all/{i}.png" for i in range(N)), "old/1.png"])
    assert "folders" not in propose(tmp_path / "y").settings


@pytest.mark.parametrize("rater", [True, False])
def test_a_row_a_rating_gives_labels_once_and_the_mean_rating(tmp_path, rater):
    names = [f"{i}.png" for i in range(N)]
    pictures(tmp_path, names)
    table = pd.concat(
        [people(photo=names).drop(columns=["Score_mean", "Score_sd", "lfd"])] * 3, ignore_index=True
    )
    table["stars"] = np.repeat([2, 3, 5], N)  # three ratings of each picture
    if rater:
        table["rater"] = np.repeat(["r1", "r2", "r3"], N)
    table.to_parquet(tmp_path / "answers.parquet")
    proposal = propose(tmp_path)
    assert proposal.settings["ratings"] == proposal.settings["table"] == "answers.parquet"
    data = read(proposal)
    assert len(data.manifest) == N and not len(data.excluded)
    assert data.manifest["rating"].round(6).unique().tolist() == [round(10 / 3, 6)]
    assert data.ratings["rater_id"].nunique() == (3 if rater else 3 * N)
    assert data.rating_range == (2, 5)


def test_ratings_in_another_table_than_the_labels(tmp_path):
    names = [f"in/{i}.png" for i in range(N)]
    pictures(tmp_path, names)
    people(stimulus=[f"{i}.png" for i in range(N)]).drop(columns=["Score_mean", "Score_sd"]).to_csv(
        tmp_path / "people.tsv", sep="\t", index=False
    )
    answers = pd.DataFrame({"stimulus": [f"{i}.png" for i in range(N)] * 2, "worker": ["x"] * N + ["y"] * N})
    answers.assign(answer=[1, 2, 3, 4, 5, 6] * (N // 3)).to_csv(tmp_path / "responses.csv", index=False)
    (tmp_path / "budget.csv").write_text("item,cost\ncake,3\n")
    proposal = propose(tmp_path)
    assert (proposal.settings["table"], proposal.settings["ratings"]) == ("people.tsv", "responses.csv")
    assert any("not used: budget.csv" in note for note in proposal.notes)
    data = read(proposal)
    assert data.manifest["rating"].tolist()[:4] == [1, 2, 3, 4]
    assert len(data.ratings) == 2 * N


def test_what_is_decided_stays_and_what_else_it_could_be_is_said(tmp_path):
    names = [f"{i}.png" for i in range(N)]
    pictures(tmp_path, names)
    table = people(file=names, beauty=[3, 4, 5, 6] * 6)
    table.to_csv(tmp_path / "t.csv", index=False)
    rating = next(one for one in propose(tmp_path).taken if one.label == "rating")
    assert {rating.source.split(" (")[0], *rating.others} == {"Score_mean", "beauty"}
    proposal = propose(tmp_path, {"columns": {"rating": "beauty"}, "rating_range": [1, 7]})
    assert proposal.settings["columns"]["rating"] == "beauty"
    assert proposal.settings["columns"]["ethnicity"] == "race4"
    assert read(proposal).rating_range == (1, 7)


@pytest.mark.parametrize(
    ("role", "name", "values", "taken"),
    [
        ("rating", "Score_mean", [1.5, 2.5, 4.0, 3.0], True),
        ("rating", "Score_sd", [0.5, 0.7, 0.4, 0.3], False),
        ("rating", "score", ["high", "low", "high", "low"], False),
        ("rating", "x", [1.5, 2.5, 4.0, 3.0, 2.0], True),  # by its values alone
        ("rating", "Alter", [5, 6, 7, 8, 9], False),
        ("gender", "q7", ["weiblich", "männlich", "divers", "weiblich"], True),
        ("gender", "sex", [0, 1, 0, 1], True),
        ("gender", "answer", ["yes", "no", "yes", "no"], False),
        ("ethnicity", "q8", ["White", "Black", "Asian", "White"] * 3, True),
        ("ethnicity", "group", ["control", "treated"] * 4, True),
        ("ethnicity", "q9", ["control", "treated"] * 4, False),
        ("age", "edad", [20, 30, 40, 50], True),
        ("age", "year", [1980, 1990, 2000, 1970], False),
        ("age", "weeks", [20, 30, 40, 50], False),  # never by its values alone
        ("age_group", "q10", ["18-29", "30-39", "18-29", "40-49"], True),
    ],
)
def test_a_column_is_known_by_both_its_name_and_its_values(role, name, values, taken):
    cells = pd.Series(values)
    numbers = cells.astype(float) if pd.api.types.is_numeric_dtype(cells) else None
    assert (fits(role, name, cells.astype("str"), numbers) is not None) is taken


def test_names_are_compared_without_accents_digits_and_case():
    assert plain("Ethnizität-4") == "ethnizitat"
    assert name_points("race4", ("race",)) == 3
    assert name_points("selfReportedRace", ("race",)) == 2


@pytest.mark.parametrize(
    ("values", "meaning"),
    [
        (["w", "m"], {"w": "female", "m": "male"}),
        (["Frau", "Mann", "divers"], {"Frau": "female", "Mann": "male"}),
        (["female", "male"], {}),
        (["h", "m"], {}),  # hombre and mujer, or something else: nobody knows
        (["0", "1"], {}),
    ],
)
def test_genders_are_recoded_only_where_the_words_are_sure(values, meaning):
    assert genders(pd.Series(values)) == meaning
