"""What a page says of a discriminator as a judge, from tables with planted values."""

import pandas as pd

from judge.report.pages.critic import critic_said

SCORES = ("critic", "critic_without_labels")


def differences():
    rows = [
        (
            "critic",
            "real",
            "skin_tone",
            "light",
            9.0,
            8.0,
            10.0,
            0.001,
        ),  # told labels: not the one that is named
        (
            "critic_without_labels",
            "generated",
            "skin_tone",
            "light",
            8.0,
            7.0,
            9.0,
            0.001,
        ),  # nor generated people
        ("critic_without_labels", "real", "skin_tone", "dark", -1.25, -1.5, -1.0, 0.004),
        ("critic_without_labels", "real", "skin_tone", "light", 0.5, 0.2, 0.8, 0.02),
        (
            "critic_without_labels",
            "real",
            "gender",
            "male",
            float("nan"),
            float("nan"),
            float("nan"),
            float("nan"),
        ),
    ]
    names = ["score", "people", "feature", "group", "difference", "ci_low", "ci_high", "p_holm"]
    return pd.DataFrame(rows, columns=names)


def tone(rho, low, high):
    rows = [(score, "all", "all", rho, low, high) for score in SCORES]
    return pd.DataFrame(rows, columns=["score", "feature", "group", "rho", "ci_low", "ci_high"])


def winners(*p):
    rows = [
        ("critic_without_labels", name, 100, 3, 0.03, 0.01, 0.09, value, value)
        for name, value in zip(("a", "b"), p, strict=True)
    ]
    names = ["score", "group", "n", "winners", "rate", "ci_low", "ci_high", "p_value", "p_holm"]
    return pd.DataFrame(rows, columns=names)


def test_the_largest_difference_the_tone_and_the_clearest_winners_are_named():
    first, second, third = critic_said(differences(), tone(-0.5, -0.6, -0.4), winners(0.5, 0.001))
    assert "dark (skin tone)" in first and "−1.25 standard deviations" in first
    assert "2 differences" in first and ".004" in first
    assert second.startswith("It scores darker skin higher")
    assert third.startswith("1 of 2 groups") and "most clearly b: 3 of 100" in third


def test_no_direction_is_claimed_where_the_interval_holds_zero():
    said = critic_said(differences(), tone(0.1, -0.1, 0.3), winners(0.5, 0.5))
    assert said[1].startswith("Whether it leans") and said[2].startswith("0 of 2 groups")
    assert "most clearly" not in said[2]
    assert critic_said(differences(), tone(0.2, 0.1, 0.3), winners(1, 1))[1].startswith(
        "It scores lighter skin"
    )


def test_without_labels_nothing_is_said():
    empty = pd.DataFrame()
    assert critic_said(empty, empty, empty) == []
