"""Light on skin, eyes, hair and cloth: formulas on flat arrays of pixels, the same for NumPy and torch.

`xp` is numpy or torch; `at` looks up a scene's number for each pixel: a scalar () or (n,), a vector (3,) or (n, 3).
Linear sRGB throughout. Light: a key with cast shadows, a fill without, and a hemisphere weighted by baked occlusion.
"""

from __future__ import annotations

import numpy as np

from judge.data.parametric.picture import hair, skin
from judge.data.parametric.picture.noise import PERIOD, SIDE
from judge.data.parametric.picture.scene import EARS, INSIDE, LIDS, LIPS, NORMAL, OCCLUSION, PLACE
from judge.data.parametric.picture.styles import hairline

KEY, FILL, SKY = 0.93, 0.57, 0.32  # irradiance over π at nominal exposure
WRAP = (0.30, 0.14, 0.09)  # how far light creeps round into shade under the skin, red furthest

PUPIL = (0.135, 0.165)  # sine of the angle from the gaze: wholly pupil, no longer pupil


def dot(a, b):
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def unit(xp, v):
    return v / xp.sqrt(dot(v, v) + 1e-12)[..., None]


def bell(xp, x, y, cx, cy, sx, sy):
    return xp.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))


def ramp(xp, x, low, high):
    """0 below `low`, 1 above `high`, smooth between."""
    t = xp.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def highlight(xp, n, light, view, rough):
    """GGX lobe with Smith shadowing, Schlick Fresnel at F0 = .028, times cosine."""
    half = unit(xp, light + view)
    nl = xp.clip(dot(n, light), 0, 1)
    nv = xp.clip(dot(n, view), 0.05, 1)
    nh = xp.clip(dot(n, half), 0, 1)
    vh = xp.clip(dot(half, view), 0, 1)
    a2 = rough * rough
    distribution = a2 / (3.1416 * (nh * nh * (a2 - 1) + 1) ** 2)
    k = (xp.sqrt(rough + 0 * nl) + 1) ** 2 / 8
    visible = 1 / (4 * (nl * (1 - k) + k) * (nv * (1 - k) + k))
    fresnel = 0.028 + 0.972 * (1 - vh) ** 5
    return distribution * visible * fresnel * nl


def skin_layer(b, at, v, texture, shadow):
    """Colour (n, 3) of skin pixels with columns `v` (n, 14)."""
    xp = b.xp
    x, y, z = v[:, 0], v[:, 1], v[:, 2]
    occlusion, lips, lids, ears, inside = v[:, OCCLUSION], v[:, LIPS], v[:, LIDS], v[:, EARS], v[:, INSIDE]
    place, normal = v[:, PLACE], unit(xp, v[:, NORMAL])
    front = ramp(xp, z, -1.1, -0.6)
    offset = at("offset")
    # the noise runs round the head, not through it
    around = xp.arctan2(x, z + 1.2) * 1.35
    grain = b.noise((around + offset[..., 0]) * (SIDE / PERIOD), (y + offset[..., 1]) * (SIDE / PERIOD))
    blotch, mottle, pore = grain[:, 0], grain[:, 1], grain[:, 2]
    height, spot, dark = texture[:, 2] * front, texture[:, 3] * front, texture[:, 4] * front

    melanin, blood = at("melanin"), at("haemoglobin")
    depth = skin.melanin_depth(melanin)
    beard_area = hair.in_beard(xp, x, y, z)
    stubble = xp.clip(at("beard") / 0.3, 0, 1) * beard_area
    makeup = at("makeup")
    eye_shade = bell(xp, xp.abs(x), y, 0.5, -0.12, 0.26, 0.12)
    m = depth * (1 + 0.03 * blotch + 0.035 * mottle + 0.05 * eye_shade - 0.16 * lips)
    m = m + 0.02 * blotch + 0.025 * mottle + (0.22 + 0.16 * depth) * dark + 0.09 * height
    h = 0.09 + 0.6 * blood
    cheeks = bell(xp, xp.abs(x), y, 0.72, -0.62, 0.3, 0.28)
    nose = bell(xp, x, y, 0.0, -0.6, 0.2, 0.2)
    chin = bell(xp, x, y, 0.0, -1.6, 0.3, 0.2)
    h = (
        h
        + 0.16 * cheeks
        + 0.18 * nose
        + 0.06 * chin
        + 0.22 * ears
        + 0.05 * blotch
        + 0.05 * mottle
        + 0.1 * eye_shade
    )
    h = h + 1.7 * spot + 0.06 * height + lips * (0.62 + 0.3 * (1 - at("masculinity")))
    h = h + makeup * 0.3 * bell(xp, xp.abs(x), y, 0.85, -0.5, 0.25, 0.22)
    albedo = skin.albedo(xp, m + 0 * h, h)
    # hair in the skin: shaven scalp, stubble, and the ground between the hairs of a style
    above = hairline(xp, x, y, z)
    scalp = ramp(xp, above + 0.05 * mottle, -0.12, 0.16)
    covered = scalp * (0.16 * at("shaven") + 0.88 * (1 - at("shaven")))
    dots = xp.clip(0.55 + 0.45 * pore, 0, 1)
    covered = xp.clip(covered + 0.55 * stubble * dots, 0, 0.93)[..., None]
    ground = at("hair") * 0.5 + 0.5 * 0.03
    albedo = albedo * (1 - covered) + ground * covered
    brow = hair.brow_ground(xp, xp.abs(x), y, at("masculinity"), at("brow_density")) * front
    albedo = albedo + (at("hair") * 0.8 + 0.02 - albedo) * (0.55 * at("brow_density") * brow)[..., None]
    red = xp.asarray(np.float32([0.42, 0.055, 0.07]))
    tint = (0.75 * makeup * ramp(xp, lips, 0.3, 0.8))[..., None]
    albedo = albedo * (1 - tint) + (0.55 * red + 0.45 * albedo) * tint
    # a dark rim on the lid's edge stands for lashes; liner and shadow with make-up
    edge = ramp(xp, lids, 0.84, 0.95) * ramp(xp, y + 0.035, -0.02, 0.05)
    edge_low = ramp(xp, lids, 0.9, 0.97) * (1 - ramp(xp, y + 0.035, -0.02, 0.05))
    lash = xp.clip(
        edge * (0.45 + 0.2 * (1 - at("masculinity")) + 0.3 * makeup) + edge_low * (0.18 + 0.4 * makeup),
        0,
        0.95,
    )
    shadow_tone = (0.4 * makeup * bell(xp, xp.abs(x), y, 0.52, 0.12, 0.24, 0.09))[..., None]
    albedo = albedo * (1 - shadow_tone) + albedo * xp.asarray(np.float32([0.5, 0.35, 0.4])) * shadow_tone
    albedo = albedo * (1 - lash[..., None]) + 0.012 * lash[..., None]
    albedo = albedo * (1 - 0.85 * ramp(xp, inside, 0.2, 0.9))[..., None]

    # bumps: the painted height and the pores tilt the normal in the face's plane
    rough_skin = 0.022 + 0.02 * at("wrinkles")
    gx = texture[:, 0] * front * 0.024 - rough_skin * grain[:, 3] * (1 - lips)
    gy = -texture[:, 1] * front * 0.024 + rough_skin * grain[:, 4] * (1 - lips)
    tilt = gx[..., None] * at("axis_x") + gy[..., None] * at("axis_y")
    bumped = unit(xp, normal - (tilt - dot(tilt, normal)[..., None] * normal))

    key, fill = at("key"), at("fill")
    wrap = xp.asarray(np.float32(WRAP)) * xp.exp(-0.22 * depth)[..., None]
    smooth_cos, cos = dot(normal, key)[..., None], dot(bumped, key)[..., None]
    # red light has forgotten the small bumps by the time it leaves the skin
    mixed = cos + (smooth_cos - cos) * xp.asarray(np.float32([0.55, 0.25, 0.15]))
    lit = xp.clip((mixed + wrap) / (1 + wrap), 0, 1)
    lit = lit * lit / (lit * 0.75 + 0.25)
    soft = shadow[..., None] + (1 - shadow[..., None]) * shadow[..., None] * xp.asarray(
        np.float32([0.35, 0.08, 0.0])
    )
    sky = occlusion * (0.62 + 0.38 * bumped[:, 1])
    cavity = xp.clip(1 - 0.42 * height, 0.4, 1)
    fill_cos = xp.clip((dot(bumped, fill)[..., None] + wrap) / (1 + wrap), 0, 1)
    light = KEY * lit * soft + (FILL * at("light_fill") * occlusion)[..., None] * fill_cos
    light = light + (SKY * sky)[..., None] * (
        1 + 0.15 * (1 - occlusion)[..., None] * xp.asarray(np.float32([1, 0, -0.3]))
    )
    out = albedo * light * cavity[..., None]

    view = unit(xp, xp.asarray(np.float32([0, 0, 17.0])) - place)
    oil = 0.5 + 0.45 * bell(xp, x, y, 0.0, 0.0, 0.35, 1.3) + 0.5 * lips - 0.35 * beard_area * at("beard")
    rough = 0.2 - 0.06 * lips
    shine = KEY * shadow * highlight(xp, bumped, key, view, rough) * 3.1416
    shine = shine + FILL * at("light_fill") * occlusion * highlight(xp, bumped, fill, view, rough) * 3.1416
    grazing = (1 - xp.clip(dot(bumped, view), 0, 1)) ** 4
    shine = shine + SKY * sky * (0.02 + 0.2 * grazing) * occlusion
    dry = 1 - 0.8 * xp.clip(covered[..., 0], 0, 1)
    return out + (xp.clip(oil, 0, 2) * dry * cavity * shine)[..., None]


def eye_layer(b, at, v, lid):
    """Colour (n, 3) of eyeball pixels; `lid` (n,) is 1 deep in the opening and falls towards the upper lid."""
    xp = b.xp
    place = v[:, PLACE]
    left = (v[:, 0] > 0)[..., None]
    centre = xp.where(left, at("eye_l") + 0 * place, at("eye_r") + 0 * place)
    normal = unit(xp, place - centre)
    gaze = at("gaze")
    ahead = dot(normal, gaze)
    radius = xp.sqrt(xp.clip(1 - ahead * ahead, 0, 1)) + xp.where(ahead > 0, 0 * ahead, 1 + 0 * ahead)
    across = normal - ahead[..., None] * gaze
    offset = at("eye_offset")
    spoke = xp.arctan2(dot(across, at("axis_y")), dot(across, at("axis_x"))) * 1.1
    fibre = b.noise(
        (spoke + offset[..., 0]) * (SIDE / PERIOD), (radius * 0.25 + offset[..., 1]) * (SIDE / PERIOD)
    )[:, 1]
    brown = at("eye_melanin")
    e = 0.05 + 5.0 * brown * brown
    blue = xp.asarray(np.float32([0.24, 0.30, 0.36]))
    absorb = xp.asarray(np.float32([0.36, 0.8, 1.7]))
    iris = (blue + 0.0) * xp.exp(-(e + 0 * radius)[..., None] * absorb) + 0.01
    iris = iris * xp.clip(1 + 0.3 * fibre, 0.3, 2)[..., None] * (0.6 + 0.75 * (radius / 0.4) ** 2)[..., None]
    ring = ramp(xp, radius, 0.33, 0.375)
    iris = iris * (1 - 0.75 * ring)[..., None]
    corner = xp.clip(xp.abs(xp.abs(v[:, 0]) - 0.5) / 0.22, 0, 1)
    white = xp.asarray(np.float32([0.55, 0.515, 0.49])) * (
        1 - (0.22 * corner)[..., None] * xp.asarray(np.float32([0.4, 1, 1.1]))
    )
    pupil = 1 - ramp(xp, radius, *PUPIL)
    inside = 1 - ramp(xp, radius, 0.365, 0.395)
    colour = white + (iris - white) * inside[..., None]
    colour = colour * (1 - pupil)[..., None] + 0.004 * pupil[..., None]
    key, fill = at("key"), at("fill")
    shade = 0.45 + 0.55 * lid
    light = KEY * xp.clip((dot(normal, key) + 0.2) / 1.2, 0, 1) * (0.35 + 0.65 * lid)
    light = (
        light + FILL * at("light_fill") * xp.clip(dot(normal, fill), 0, 1) + SKY * (0.6 + 0.3 * normal[:, 1])
    )
    out = colour * (0.92 * light * shade)[..., None]
    # the cornea bulges: its highlight sits nearer the pupil than the ball's would
    cornea = unit(xp, normal - 0.45 * across * (radius < 0.42)[..., None])
    view = xp.asarray(np.float32([0, 0, 1]))
    half = unit(xp, key + view)
    glint = xp.clip(dot(cornea, half), 0, 1) ** 260 * 0.9 * lid
    half = unit(xp, fill + view)
    glint = glint + xp.clip(dot(cornea, half), 0, 1) ** 400 * 0.4 * at("light_fill")
    return out + glint[..., None]


def hair_layer(b, at, place, tangent, colour, shine, layer):
    """Colour (n, 3) of hair dots: Kajiya–Kay's two lobes over a body shaded as a round mass."""
    xp = b.xp
    key, fill = at("key"), at("fill")
    body = unit(xp, place - xp.asarray(np.float32([0, -0.1, -1.0])))
    view = xp.asarray(np.float32([0, 0, 1]))
    total = SKY * (0.55 + 0.45 * body[:, 1]) + 0 * layer
    glow, gloss = 0 * layer, 0 * layer
    for light, power in ((key, KEY + 0 * layer), (fill, FILL * at("light_fill") + 0 * layer)):
        mass = xp.clip(dot(body, light) * 0.62 + 0.38, 0, 1)
        along = dot(tangent, light)
        thin = xp.sqrt(xp.clip(1 - along * along, 0, 1))
        total = total + power * mass * (0.35 + 0.65 * thin)
        half = unit(xp, light + view)
        slant = dot(tangent, half)
        first = xp.sqrt(xp.clip(1 - (slant + 0.06) ** 2, 0, 1)) ** 60
        second = xp.sqrt(xp.clip(1 - (slant - 0.12) ** 2, 0, 1)) ** 14
        gloss = gloss + power * mass * first
        glow = glow + power * mass * second
    deep = 0.3 + 0.7 * layer
    coat = colour * (total * deep)[..., None] * 1.25
    coat = coat + colour * (0.55 * glow * shine * deep)[..., None]
    return coat + (0.06 * gloss * shine * deep)[..., None] + (0.012 * total * shine * deep)[..., None]


def cloth_layer(b, at, v, shadow):
    xp = b.xp
    normal = unit(xp, v[:, NORMAL])
    weave = b.noise(v[:, 0] * (SIDE / PERIOD) * 1.7, v[:, 1] * (SIDE / PERIOD) * 1.7)
    colour = at("clothing") * (1 + 0.05 * weave[:, 1] + 0.04 * weave[:, 2])[..., None]
    light = KEY * xp.clip((dot(normal, at("key")) + 0.1) / 1.1, 0, 1) * shadow
    light = light + FILL * at("light_fill") * xp.clip(dot(normal, at("fill")), 0, 1)
    light = light + SKY * v[:, OCCLUSION] * (0.6 + 0.4 * normal[:, 1])
    return 0.8 * colour * light[..., None]


def collar(xp, x, y, z):
    """Positive where the mean body wears cloth: below a round collar."""
    return -2.28 - 0.2 * xp.clip(z + 1.0, -1, 1) - y + 0.1 * xp.clip(xp.abs(x) - 0.9, 0, 1)


def backdrop(xp, column, row):
    """Brightness of the background over the picture, a little lighter in the middle; column and row in 0–1."""
    return 1.08 - 0.42 * ((column - 0.5) ** 2 + (row - 0.4) ** 2)
