"""What must be said of a data set about people before somebody uses it: one text for the card and for Croissant.

The questions are those of Croissant's vocabulary of responsible AI (version 1.0, docs.mlcommons.org/croissant), which
are those of data sheets (Gebru et al. 2021) and data cards.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from judge.publication.material import Material


@dataclass(frozen=True)
class Responsible:
    """Answers; the names are those of mlcroissant's Metadata."""

    data_collection: str
    data_collection_type: str
    data_annotation_protocol: str
    annotator_demographics: str
    data_biases: str
    data_limitations: str
    data_use_cases: str
    data_social_impact: str
    personal_sensitive_information: str
    data_release_maintenance_plan: str

    def answers(self) -> dict[str, str]:
        return asdict(self)


def responsible(material: Material) -> Responsible:
    """The answers for a run or a data set."""
    who = _kind_of_people(material)
    shifted = _planted(material)
    return Responsible(
        data_collection={
            "parametric": "Each person was drawn as numbers (ancestry, age, skin, shape, pose, light) from "
            "distributions that the settings state, and rendered by judge. No person was photographed.",
            "generated": "Faces were drawn by a generative network that learnt from people who do not exist either.",
            "photographs": "The photographs are those of the data set that the settings name; they were neither taken "
            "for this nor are they part of it.",
        }[who],
        data_collection_type="Synthetic data" if who != "photographs" else "Secondary Data analysis",
        data_annotation_protocol=_annotation(material, who),
        annotator_demographics=(
            "Raters are simulated. Where single ratings are published, each rater's ethnicity and bias are in a table."
            if who == "parametric"
            else "Nobody rated these pictures."
            if who == "generated"
            else "Who rated is known as far as the original data set tells."
        ),
        data_biases=(
            f"{_counts(material)} Labels are coarse: a few names of groups stand for all of humanity.{shifted}"
            + (
                " Which skin tones, shapes and ages go with a group is an assumption of the settings and no survey."
                if who == "parametric"
                else ""
            )
        ),
        data_limitations=(
            "A rating is an opinion of raters and a score an estimate of it: neither measures beauty. "
            + (
                "Rendered people are simpler than photographs; what holds for them is a hypothesis about photographs."
                if who == "parametric"
                else "A network's faces vary less than its training data, most of all in groups that were few there."
                if who == "generated"
                else "Without the photographs nobody can check a label."
            )
            + (" One run is one seed: an effect of training needs several." if material.kind == "run" else "")
        ),
        data_use_cases="To study what the composition of training data does to who is preferred by a judge, and what "
        "helps against it; to test audits where the truth is known. Not to rate, select or describe people who exist.",
        data_social_impact="Scores of attractiveness carry a society's prejudices and can harm whoever is ranked by "
        "them. This is published so that the mechanism can be examined, not so that it can be deployed.",
        personal_sensitive_information=(
            "Groups (gender, ethnicity, age, skin tone) of people who exist, under numbers drawn anew; no picture, no "
            "name, no path. A rating together with a group may still point to one row of a public data set."
            if material.real_people
            else "None: nobody in it exists."
        ),
        data_release_maintenance_plan="Checksums are in SHA256SUMS. A correction is a new publication with "
        "another date.",
    )


def _kind_of_people(material: Material) -> str:
    if material.real_people:
        return "photographs"
    return "generated" if set(material.people["source"]) == {"generated"} else "parametric"


def _annotation(material: Material, who: str) -> str:
    where = ", ".join(material.rated_by) or "none"
    return {
        "parametric": f"Labels are the parameters that a picture was drawn from. Ratings ({where}): a known truth, "
        "plus a bias by rater and group and noise, as the settings state.",
        "generated": f"Labels and ratings ({where}) are what the network was asked for.",
        "photographs": f"Labels and ratings ({where}) are those of the original data set.",
    }[who]


def _planted(material: Material) -> str:
    shift = material.facts.get("summary", {}).get("rating_shift") or {}
    ratings = material.settings.get("ratings")
    if not shift and isinstance(ratings, dict):
        shift = ratings.get("shift") or {}
    if not shift:
        return ""
    return (
        " Ratings were shifted on purpose: "
        + ", ".join(f"{group} {by:+g}" for group, by in shift.items())
        + "."
    )


def _counts(material: Material) -> str:
    parts = []
    for feature in material.features:
        counts = material.people[feature].value_counts(dropna=False)
        parts.append(f"{feature} " + ", ".join(f"{group} {n:,}" for group, n in counts.items()))
    return "Pictures by group: " + "; ".join(parts) + "." if parts else "No groups are labelled."
