"""A person is a row of parameters: their names, ranges and neutral values.

Everything that decides a picture is in this row (with the renderer's VERSION): the same row gives the same
bytes. `stream` keys the person's own random streams (mottle, pores, which blemishes, which strands); one
stream a feature, so that changing one control never moves another feature.
"""

from __future__ import annotations

from dataclasses import dataclass

ETHNICITIES = ("african", "asian", "caucasian")
GENDERS = ("female", "male")
HAIR_STYLES = ("none", "short", "long")
HAIR_TEXTURES = ("straight", "wavy", "curly", "coiled")
GLASSES = ("none", "thin", "thick")


@dataclass(frozen=True)
class Parameter:
    """One column of a person's row; `choices` for a categorical one, else low ≤ value ≤ high."""

    name: str
    neutral: float | int | str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    what: str = ""


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("stream", 0, 0, 2**62, what="key of the person's own random streams (int64)"),
    # morphology (besides the local_* and asym_* columns named by the geometry)
    Parameter("african", 1 / 3, 0, 1, what="weight of that ancestry's mean shape; the three sum to 1"),
    Parameter("asian", 1 / 3, 0, 1, what="as african"),
    Parameter("caucasian", 1 / 3, 0, 1, what="as african"),
    Parameter("masculinity", 0.5, 0, 1, what="0 female mean shape … 1 male mean shape"),
    Parameter("age", 30, 18, 75, what="years; drives the age morph, not wrinkles or grey hair"),
    Parameter("weight", 0.5, 0, 1, what="MakeHuman weight"),
    Parameter("muscle", 0.5, 0, 1, what="MakeHuman muscle"),
    Parameter("asymmetry", 0.0, 0, 1, what="strength of the person's asym_* pattern"),
    # skin
    Parameter("melanin", 0.25, 0, 1, what="0 lightest (ITA about 65) … 1 darkest (about -60)"),
    Parameter("haemoglobin", 0.5, 0, 1, what="redness of the skin"),
    Parameter("wrinkles", 0.0, 0, 1, what="number and depth of strokes"),
    Parameter("blemishes", 0, 0, 160, what="how many of the person's list of 160 are shown"),
    Parameter("freckles", 0.0, 0, 1, what="density"),
    # hair and eyes
    Parameter("hair_style", "short", choices=HAIR_STYLES),
    Parameter("hair_texture", "straight", choices=HAIR_TEXTURES),
    Parameter("hair_melanin", 0.85, 0, 1, what="0 blond … 1 black"),
    Parameter("hair_red", 0.1, 0, 1, what="pheomelanin"),
    Parameter("hair_grey", 0.0, 0, 1, what="share of grey strands"),
    Parameter("brow_density", 0.6, 0, 1),
    Parameter("eye_melanin", 0.7, 0, 1, what="0 light blue … 1 dark brown"),
    # things that a gate can meet
    Parameter("beard", 0.0, 0, 1, what="0 shaven, .3 stubble, 1 full"),
    Parameter("glasses", "none", choices=GLASSES),
    Parameter("makeup", 0.0, 0, 1, what="lips, lids, blush"),
    # expression and pose
    Parameter("smile", 0.0, -1, 1),
    Parameter("brow_raise", 0.0, -1, 1),
    Parameter("eye_open", 1.0, 0.3, 1.2),
    Parameter("gaze_x", 0.0, -25, 25, what="degrees, positive to the picture's right"),
    Parameter("gaze_y", 0.0, -20, 20, what="degrees, positive up"),
    Parameter("yaw", 0.0, -45, 45, what="degrees"),
    Parameter("pitch", 0.0, -30, 30, what="degrees"),
    Parameter("roll", 0.0, -30, 30, what="degrees"),
    # camera
    Parameter("exposure", 1.0, 0.05, 4, what="linear factor before sRGB; 1 nominal"),
    Parameter("light_azimuth", -25.0, -90, 90, what="degrees, key light, positive from the picture's right"),
    Parameter("light_elevation", 30.0, -30, 80, what="degrees"),
    Parameter("light_fill", 0.45, 0, 1, what="fill over key"),
    Parameter("noise", 0.0, 0, 0.2, what="sensor noise, standard deviation in sRGB units of 0–1"),
    Parameter("blur", 0.0, 0, 4, what="Gaussian sigma in pixels at 128 px"),
    Parameter("jpeg_quality", 90, 20, 100),
    Parameter("background_hue", 0.6, 0, 1),
    Parameter("background_saturation", 0.08, 0, 0.5),
    Parameter("background_value", 0.66, 0.2, 0.95),
    Parameter("clothing_hue", 0.0, 0, 1),
    Parameter("clothing_value", 0.5, 0.1, 0.9),
)


def neutral() -> dict[str, float | int | str]:
    """The neutral person, without local_* and asym_* columns (which are 0 when absent)."""
    return {parameter.name: parameter.neutral for parameter in PARAMETERS}
