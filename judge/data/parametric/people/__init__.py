"""Who the parametric people are: labels, parameters, the truth about them, and raters who simulate opinions.

`sample` draws persons as rows of parameters by settings (population.yaml) and `persons` makes the
renderer's dictionaries of them; `labels` has the shares of ethnicity, gender and age group, `truth` the
opinion that the raters are to have, `Raters` and `rate` what they say. `expected_ita` and `skin_tone` give
a person's skin in the terms of instruments.
"""

from judge.data.parametric.people.population import persons, sample
from judge.data.parametric.people.ratings import Raters, rate
from judge.data.parametric.people.tone import expected_ita, skin_tone

__all__ = ["Raters", "expected_ita", "persons", "rate", "sample", "skin_tone"]
