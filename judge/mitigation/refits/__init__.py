"""Methods that fit the last part of a trained judge again.

A method is a frozen dataclass of its settings, called as `method(judge, pool, *, held_out, feature, rng) -> judge`
after training. `pool` is what the judge was trained on, without its validation part; `held_out` are rated people who
neither train nor enter, for a method that says `needs_held_out`. Its attribute `calls` names what it asks of a judge
(judge.jury.loading.Judge), so that a judge which lacks it is refused before any work; so is what `check(pool,
held_out, *, feature)` refuses.
"""

from judge.mitigation.refits.erase_group import EraseGroup
from judge.mitigation.refits.last_layer import LastLayer

__all__ = ["EraseGroup", "LastLayer"]
