from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from rendered import READER, picture

from judge.data.tables import SCORES, validated
from judge.errors import InputError
from judge.jury.robots import protocol as robots
from judge.jury.robots.age import Age
from judge.jury.robots.pigment import Pigment
from judge.jury.robots.symmetry import Symmetry
from judge.jury.robots.wrinkles import Wrinkles

CONF = Path(__file__).parents[3] / "conf"
ROBOTS = [Wrinkles(), Pigment(), Symmetry()]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    pictures = {
        "a": picture(), "b": picture(wrinkles=0.9), "c": picture(blemishes=90), "d": picture(melanin=0.8),
        "wall": np.full((128, 128, 3), 120, np.uint8),
    }  # fmt: skip
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"")
    names = [*pictures, "broken"]
    return pd.DataFrame(
        {
            "image_id": names,
            "path": [str(folder / f"{n}.png") for n in names],
            "age_group": "30-39",
            "age": 35.0,
        }
    )


@pytest.fixture(scope="module")
def looks(manifest):
    return robots.look(ROBOTS, READER(manifest))


def test_every_picture_has_a_row_for_every_robot_and_a_reason_where_there_is_no_score(looks):
    table = robots.scores(robots.fit(ROBOTS, looks), looks)
    validated(table, SCORES)
    assert len(table) == 6 * 3
    lost = table[table["score"].isna()]
    assert set(lost["image_id"]) == {"wall", "broken"}
    assert lost["reason"].notna().all() and table.loc[table["score"].notna(), "reason"].isna().all()


def test_a_robot_that_fails_on_a_picture_loses_no_other_picture_and_no_other_robot(looks):
    blind = looks.evidence | {"rynkl": np.full_like(looks.evidence["rynkl"], np.nan)}
    blind["rynkl"][1:] = looks.evidence["rynkl"][1:]
    table = robots.scores(robots.fit(ROBOTS, looks), robots.Looks(looks.measures, looks.rows, blind))
    wide = table.pivot(index="image_id", columns="judge", values="score").loc[["a", "b", "c", "d"]]
    assert wide.isna().sum().sum() == 1 and np.isnan(wide.loc["a", "rynkl"])
    assert "wrinkle zones" in table.set_index(["image_id", "judge"]).loc[("a", "rynkl"), "reason"]


def test_a_measurement_that_raises_costs_one_row():
    portraits = READER.from_pictures([picture(), picture()], pd.DataFrame({"image_id": ["a", "b"]})).portraits

    def fragile(i):
        if i == 0:
            raise np.linalg.LinAlgError("no")
        return np.ones(2)

    assert np.isnan(robots.each(portraits, fragile, 2)).tolist() == [[True, True], [False, False]]


def test_one_pass_without_keeping_evidence_gives_the_same_scores(manifest, looks):
    fitted = robots.fit(ROBOTS, looks)
    table, measures = robots.judge(fitted, READER(manifest))
    expected = robots.scores(fitted, looks)
    merged = table.merge(expected, on=["image_id", "judge"])
    assert len(measures) == 6
    assert merged["score_x"].to_numpy() == pytest.approx(merged["score_y"].to_numpy(), abs=1e-4, nan_ok=True)


def test_calling_a_robot_gives_image_id_and_score(manifest, looks):
    robot = robots.fit([ROBOTS[0]], looks)[0]
    batch = next(iter(READER(manifest.head(2))))
    assert list(robot(batch.portraits).columns) == ["image_id", "score"]


def test_what_was_fitted_is_saved_and_loaded(looks, tmp_path):
    fitted = robots.fit(ROBOTS, looks)
    robots.save(fitted, tmp_path)
    again = robots.load(ROBOTS, tmp_path)
    a, b = (robots.scores(r, looks)["score"].to_numpy() for r in (fitted, again))
    assert a == pytest.approx(b, nan_ok=True)
    with pytest.raises(InputError, match="no fitted antiageist"):
        robots.load([Age()], tmp_path)


def test_part_of_the_pictures_can_be_taken(looks):
    part = looks.take(["b", "wall"])
    assert part.measures["image_id"].tolist() == ["b", "wall"]
    assert part.rows["image_id"].tolist() == ["b"]
    assert len(part.evidence["pimpl"]) == 1


@pytest.mark.parametrize(
    "path", sorted(p for room in ("robot", "gate", "panel") for p in (CONF / room).glob("*.yaml")),
    ids=lambda p: f"{p.parent.name}/{p.stem}",
)  # fmt: skip
def test_every_configuration_file_makes_what_it_names(path):
    made = instantiate(OmegaConf.load(path))
    assert callable(made)


def test_taking_a_resampled_pool_takes_copies_as_often_as_they_are_there(looks):
    part = looks.take(["d", "b", "d", "nobody", "wall"])
    assert part.rows["image_id"].tolist() == ["d", "b", "d"]
    assert part.measures["image_id"].tolist() == ["d", "b", "d", "wall"]
    at = looks.rows["image_id"].tolist().index("d")
    np.testing.assert_array_equal(part.evidence["rynkl"][2], looks.evidence["rynkl"][at])
