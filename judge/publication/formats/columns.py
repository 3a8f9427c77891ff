"""What the columns of published tables are, and their types."""

from __future__ import annotations

import pandas as pd

TABLES = {
    "people": "a picture, once",
    "manifest": "a picture of the run, once",
    "ratings": "a single rating",
    "raters": "a rater",
    "membership": "a picture in a condition, by role",
    "scores": "a judged picture, by condition and judge",
    "ranking": "an entrant, by condition",
    "audit": "a number of the audit, by condition",
    "brackets": "a bracket of the contest, by condition",
    "unranked": "an entrant who was not ranked, with the reason",
    "judges": "a trained judge, against its scale and raters",
    "agreement": "a group of people whom a judge has not learnt from",
    "probes": "a probe that reads the group from a judge",
    "excluded": "what could not be used, with the reason",
    "gate": "a rule of the gate that a picture broke",
    "gate_rates": "refusals of the gate by group",
}
COLUMNS = {
    "image_id": "identifier of a picture",
    "file_name": "the picture in the archive of pictures",
    "person_id": "identifier of the person shown; several pictures may share it",
    "split": "train, val or test",
    "rating": "mean rating, on the scale of the settings; an opinion",
    "rating_source": "who rated: people, simulated raters, or what a network was asked for",
    "source": "photo, parametric or generated",
    "ethnicity": "group as labelled by the data set",
    "gender": "gender as labelled by the data set",
    "age_group": "age in bands of years",
    "age": "age in years",
    "skin_tone": "class of the individual typology angle",
    "ita": "individual typology angle, degrees",
    "truth": "the latent truth behind simulated ratings, standardised",
    "condition": "condition of the run under which the row holds",
    "role": "train, validation, entrant, calibration or refit",
    "copies": "how often the picture is in the pool",
    "weight": "weight in training",
    "score": "estimate of the mean rating by a judge, or a panel's",
    "judge": "who scored",
    "seed": "random seed",
    "bracket": "bracket of the contest",
    "rank": "place within the bracket, 1 is best",
    "winner": "whether a place was won",
    "metric": "name of the number",
    "feature": "sensitive feature",
    "group": "group of that feature",
    "value": "its value",
    "n": "how many it rests on",
    "ci_low": "lower end of the interval",
    "ci_high": "upper end of the interval",
    "p_value": "p of the test, two-sided",
    "test": "name of the test",
    "rater_id": "identifier of a rater",
    "reason": "why",
}


def described(column: str) -> str:
    """What a column holds."""
    if column.startswith("param_"):
        return f"parameter of the renderer: {column.removeprefix('param_')}"
    if column.startswith("truth_"):
        return f"part of the truth: {column.removeprefix('truth_')}"
    return COLUMNS.get(column, column.replace("_", " "))


def kind_of(column: pd.Series) -> str:
    """The type under which Croissant knows a column: BOOL, INTEGER, FLOAT or TEXT."""
    if pd.api.types.is_bool_dtype(column):
        return "BOOL"
    if pd.api.types.is_integer_dtype(column):
        return "INTEGER"
    return "FLOAT" if pd.api.types.is_float_dtype(column) else "TEXT"
