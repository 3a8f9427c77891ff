"""Methods that change what a judge is asked to match, in its training loop.

A method is a class, called `(base loss, groups, **settings)` before the training; the object is called
`(network, batch) -> parts` at every step (judge.jury.network.losses). All work with every loss that says what each
picture costs (`per_picture`), on several devices, and go on to the bit after a kill: what they learn lies in
parameters and buffers. They read `reading`, `network.head`, `.scale` and `.levels` only, so a linear head on frozen
features is a network to them; `trains_features` says which of them have no use for one.
"""

from judge.mitigation.objectives.domain_independent import DomainIndependent
from judge.mitigation.objectives.gradient_reversal import GradientReversal
from judge.mitigation.objectives.group_dro import GroupDRO
from judge.mitigation.objectives.just_train_twice import JustTrainTwice
from judge.mitigation.objectives.match import MatchFeatures, MatchScores
from judge.mitigation.objectives.score_adversary import ScoreAdversary

__all__ = [
    "DomainIndependent",
    "GradientReversal",
    "GroupDRO",
    "JustTrainTwice",
    "MatchFeatures",
    "MatchScores",
    "ScoreAdversary",
]
