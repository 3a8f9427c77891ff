import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

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
from judge.jury.robots.resemblance import Resemblance
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
def measured(manifest):
    return robots.measure(ROBOTS, READER(manifest))


def test_every_picture_has_a_row_for_every_robot_and_a_reason_where_there_is_no_score(measured):
    table = robots.scores(robots.fit(ROBOTS, measured), measured)
    validated(table, SCORES)
    assert len(table) == 6 * 3
    lost = table[table["score"].isna()]
    assert set(lost["image_id"]) == {"wall", "broken"}
    assert lost["reason"].notna().all() and table.loc[table["score"].notna(), "reason"].isna().all()


def test_a_robot_that_fails_on_a_picture_loses_no_other_picture_and_no_other_robot(measured):
    blind = measured.by_robot | {"wrinkles": np.full_like(measured.by_robot["wrinkles"], np.nan)}
    blind["wrinkles"][1:] = measured.by_robot["wrinkles"][1:]
    table = robots.scores(
        robots.fit(ROBOTS, measured), robots.Measurements(measured.measures, measured.rows, blind)
    )
    wide = table.pivot(index="image_id", columns="judge", values="score").loc[["a", "b", "c", "d"]]
    assert wide.isna().sum().sum() == 1 and np.isnan(wide.loc["a", "wrinkles"])
    assert "wrinkle zones" in table.set_index(["image_id", "judge"]).loc[("a", "wrinkles"), "reason"]


def test_a_measurement_that_raises_costs_one_row():
    portraits = READER.from_pictures([picture(), picture()], pd.DataFrame({"image_id": ["a", "b"]})).portraits

    def fragile(i):
        if i == 0:
            raise np.linalg.LinAlgError("no")
        return np.ones(2)

    assert np.isnan(robots.each(portraits, fragile, 2)).tolist() == [[True, True], [False, False]]


def test_one_pass_that_stores_no_measurements_gives_the_same_scores(manifest, measured):
    fitted = robots.fit(ROBOTS, measured)
    table, measures = robots.judge(fitted, READER(manifest))
    expected = robots.scores(fitted, measured)
    merged = table.merge(expected, on=["image_id", "judge"])
    assert len(measures) == 6
    assert merged["score_x"].to_numpy() == pytest.approx(merged["score_y"].to_numpy(), abs=1e-4, nan_ok=True)


def test_calling_a_robot_gives_image_id_and_score(manifest, measured):
    robot = robots.fit([ROBOTS[0]], measured)[0]
    batch = next(iter(READER(manifest.head(2))))
    assert list(robot(batch.portraits).columns) == ["image_id", "score"]


def test_part_of_the_pictures_can_be_taken(measured):
    part = measured.take(["b", "wall"])
    assert part.measures["image_id"].tolist() == ["b", "wall"]
    assert part.rows["image_id"].tolist() == ["b"]
    assert len(part.by_robot["pigment"]) == 1


@pytest.mark.parametrize(
    "path", sorted(p for room in ("robot", "gate", "panel") for p in (CONF / room).glob("*.yaml")),
    ids=lambda p: f"{p.parent.name}/{p.stem}",
)  # fmt: skip
def test_every_configuration_file_makes_what_it_names(path):
    made = instantiate(OmegaConf.load(path))
    assert callable(made)
    if path.parent.name == "robot":
        assert made.name == path.stem
        robots.check_reference(made)


def test_taking_a_resampled_pool_takes_copies_as_often_as_they_are_there(measured):
    part = measured.take(["d", "b", "d", "nobody", "wall"])
    assert part.rows["image_id"].tolist() == ["d", "b", "d"]
    assert part.measures["image_id"].tolist() == ["d", "b", "d", "wall"]
    at = measured.rows["image_id"].tolist().index("d")
    np.testing.assert_array_equal(part.by_robot["wrinkles"][2], measured.by_robot["wrinkles"][at])


@dataclass(frozen=True)
class Brightness(robots.Judging):
    """A sixth robot: the whole of what another robot has to say."""

    learns_from: ClassVar[str] = "nothing"
    missing_because: ClassVar[str] = "too dark to tell"
    name: str = "brightness"
    fitted: dict | None = field(default_factory=dict)

    def measure(self, portraits):
        return portraits.crops.mean((1, 2, 3))[:, None]

    def score(self, measurements, rows):
        return measurements[:, 0]


def test_another_robot_is_one_class(manifest):
    pictures = robots.measure([Brightness()], READER(manifest))
    table = robots.scores([Brightness()], pictures).set_index("image_id")["score"]
    assert table["a"] > table["d"]
    assert Brightness().predicted_age(pictures.by_robot["brightness"]) is None
    assert Brightness().warnings(pictures.rows, pictures.rows) == []


def test_robots_say_what_they_learn_from():
    declared = {robot: robot.learns_from for robot in (Wrinkles, Pigment, Symmetry, Resemblance, Age)}
    assert list(declared.values()) == ["pool", "pool", "pool", "reference", "ages"]


@pytest.mark.parametrize("declared", ["models", None])
def test_a_robot_that_learns_from_what_there_is_not_is_named(declared):
    class Lost(Brightness):
        learns_from = declared

    allowed = "'pool', 'reference', 'ages', 'nothing'"
    with pytest.raises(InputError, match=f"brightness: learns_from is one of {allowed}; given {declared!r}"):
        robots.check_reference(Lost())


def test_measurements_of_another_shape_than_pictures_by_columns_are_refused():
    class Flat(Brightness):
        def measure(self, portraits):
            return portraits.crops.mean((1, 2, 3))

    with pytest.raises(InputError, match=r"brightness gave measurements of shape \(1,\) for 1 pictures"):
        robots.measure([Flat()], [READER.from_pictures([picture()], pd.DataFrame({"image_id": ["a"]}))])


@pytest.mark.slow
def test_settings_are_read_without_loading_a_network():
    code = "import judge.jury.faces, judge.jury.robots, judge.jury.gate, judge.jury.panel, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "onnxruntime", "timm"} & set(loaded.split())
