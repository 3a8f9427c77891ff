"""README.md of a trained judge: a model card (Mitchell et al. 2019, arXiv:1810.03993) as model hubs read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from judge.errors import InputError
from judge.experiment.run_folder import read_json
from judge.publication.formats import markdown
from judge.publication.licences import LICENCES, Licence
from judge.publication.material import Material

#: Numbers of the audit, and what they are called in the card.
ERRORS = {
    "mae": "mean absolute error",
    "signed_error": "mean error",
    "rmse": "root mean squared error",
    "pearson": "Pearson",
}
_LIMITS = (
    "A score estimates what raters said of a picture. It is no property of the person in it, and no measure of beauty.",
    "It holds for pictures like those it learnt from; on others nothing is known of it.",
    "Errors by group are above, as far as its own run measured them: an interval is over the people judged, and one "
    "training is one seed, so nothing here says how much another training would differ.",
    "Not for decisions about people: not for hiring, matching, advertising, insurance, moderation or identification.",
)


def model_card(material: Material, name: str, *, licence: Licence | None) -> str:
    """The card of the judge that condition `name` trained, front matter included."""
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    told = read_json(material.judges[name] / "judge.json")
    agreement = _agreement(material, name)
    results = [
        EvalResult(
            task_type="image-feature-extraction",
            task_name="estimate of a mean rating",
            dataset_type="other",
            dataset_name=f"people of the run that it has not learnt from ({agreement['rated']})",
            metric_type="pearsonr",
            metric_name="Pearson with the ratings",
            metric_value=round(float(agreement["agreement"]), 4),
        )
    ] if agreement is not None and pd.notna(agreement["agreement"]) else None  # fmt: skip
    facts: dict[str, Any] = {
        # a judge begins with weights under Apache-2.0, whatever the data are given away under
        "license": LICENCES["Apache-2.0"].hub if licence else "other",
        "library_name": "judge",
        "tags": ["image-regression", "algorithmic-fairness", "facial-attractiveness", "safetensors"],
    }
    if results:
        facts |= {"model_name": f"{material.name}-{name}", "eval_results": results}
    text = f"---\n{ModelCardData(**facts)}\n---\n\n{_text(material, name, told, agreement)}"
    return str(ModelCard(text))


def weights_of(folder: Path) -> dict[str, Path]:
    """The files of a judge that are published: its settings and its tensors.

    Raises InputError for a judge without safetensors: nothing that can run code is published.
    """
    files = {file.name: file for file in sorted(folder.glob("*.safetensors"))}
    if not files:
        raise InputError(f"{folder} has no .safetensors file, so that the judge cannot be published")
    return {"judge.json": folder / "judge.json"} | files


def _text(material: Material, name: str, told: dict[str, Any], agreement: pd.Series | None) -> str:
    summary = material.facts["summary"]
    low, high = told.get("rating_range") or (float("nan"), float("nan"))
    users = [condition for condition, by in summary["trained_as"].items() if by == name]
    return "\n\n".join(
        [
            f"# Judge of the condition `{name}`: {material.title}",
            f"A network of the kind `{told['kind']}` that estimates the mean rating ({low:g} to {high:g}) of a picture "
            f"of a face. Trained under the condition `{name}`"
            + (f", used by {', '.join(f'`{one}`' for one in users)} as well" if len(users) > 1 else "")
            + f". Seed {told['seed']}.",
            "## Intended use",
            "To study what the composition of training data does to who is preferred. "
            "`judge score --judge DIR --data PICTURES` scores with it. "
            + (
                "It learnt from photographs of people who exist: whether one of them was in its training can be told "
                "from its scores better than by chance."
                if material.real_people
                else "It learnt from people who do not exist."
            ),
            "## What it learnt from",
            _composition(material, name),
            f"It begins with {_beginning(material, told)}. "
            f"{told.get('n_train', '–')} pictures for training, {told.get('n_val', '–')} to choose the epoch. "
            f"Objective: `{told.get('objective', {}).get('type', 'squared error')}`.",
            "## How well it judges",
            _agreement_said(agreement),
            _by_group(material, users, tuple(ERRORS), ERRORS),
            "## Who wins with it",
            _by_group(material, users, ("winner_share", "entrant_share"),
                      {"winner_share": "share of the winners", "entrant_share": "share of the entrants"}),
            "## Limits",
            markdown.listed(_LIMITS),
        ]
    ) + "\n"  # fmt: skip


def _beginning(material: Material, told: dict[str, Any]) -> str:
    backbone = told.get("network", {}).get("backbone", "a frozen network")
    weights = material.settings.get("judge", {}).get("weights", "packaged")
    if weights == "packaged":
        return f"weights of `{backbone}` that learnt from ImageNet (Apache-2.0)"
    return f"`{backbone}` and weights={weights}"


def _composition(material: Material, name: str) -> str:
    members = material.tables["membership"]
    feature = material.facts["summary"]["feature"]
    part = members[(members["condition"] == name) & (members["role"] == "train")]
    groups = part["image_id"].map(material.people.set_index("image_id")[feature])
    counts = part["copies"].groupby(groups.to_numpy()).sum().sort_index()
    total = counts.sum()
    rows = [[group, int(n), f"{n / total:.1%}"] for group, n in counts.items()]
    return markdown.table([feature, "pictures", "share"], rows)


def _agreement(material: Material, name: str) -> pd.Series | None:
    judges = material.tables["judges"]
    rows = judges[judges["condition"] == name]
    return rows.iloc[0] if len(rows) else None


def _agreement_said(row: pd.Series | None) -> str:
    if row is None or pd.isna(row["agreement"]):
        return "It was not held against ratings."
    return (
        f"Pearson with the ratings of {int(row['n_rated']):,} people it has not learnt from ({row['rated']}): "
        f"{row['agreement']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]."
    )


def _by_group(
    material: Material, conditions: list[str], metrics: tuple[str, ...], names: dict[str, str]
) -> str:
    """A row a condition and number, a column a group, each with its interval."""
    audit = material.tables["audit"]
    feature = material.facts["summary"]["feature"]
    wanted = audit[
        audit["condition"].isin(conditions) & audit["metric"].isin(metrics) & (audit["feature"] == feature)
    ]
    if wanted.empty:
        return "Errors were not measured in this run: its entrants have no ratings on the judge's scale."
    groups = list(dict.fromkeys(wanted["group"]))
    rows = []
    for (condition, metric), part in wanted.groupby(["condition", "metric"], sort=False):
        by = {row.group: markdown.interval(row) for row in part.itertuples()}
        rows.append([condition, names[metric], *(by.get(group, "–") for group in groups)])
    return markdown.table(["condition", "number", *groups], rows)
