"""Selective secrecy (Abadi & Andersen 2016, arXiv:1610.06918, sec. 3): a public estimate that hides a group.

Who sees what of a person:

    Alice   features of the face (on Gaussian people: attributes and group), and a key that is drawn for this person
    all     the public estimate p of the score, and a ciphertext z; both are published
    Bob     both, and the key: his estimate b of the score is the better one
    Eve     both, and no key: she guesses the group, and has messages about others, of known group, to learn from

Nobody but Alice sees the features. p does not depend on the key. What p leaves out because it goes with the group,
z has to carry for Bob, and since Eve sees z, too, it has to be enciphered. The key is used once: two messages under
one key would tell how two people differ. Alice and Bob minimise the errors of both estimates and what an Eve in
training reads (`training`); what counts is what Eves read who are trained afresh afterwards (`eavesdroppers`), and
on Gaussian people the closed form (`gaussian`). The paper's secrecy is against networks of a size and a training,
not cryptography: nothing here is safe against an Eve that was not tried.

What differs from the paper: the group is one of a few, not a number; the public estimate is sent as it is, and Bob adds
to it; the ciphertext is sent over a channel with noise. The paper's own programme of this part was never released.
"""

from judge.privacy.secrecy.eavesdroppers import FreshEves, Overheard
from judge.privacy.secrecy.gaussian import GaussianPeople
from judge.privacy.secrecy.outcomes import at_equal_secrecy, winners
from judge.privacy.secrecy.people import KnownPeople, People
from judge.privacy.secrecy.settings import SecrecyTraining
from judge.privacy.secrecy.study import SecrecyStudy
from judge.privacy.secrecy.toy import ToyStudy
from judge.privacy.secrecy.training import Trained, train

__all__ = [
    "FreshEves",
    "GaussianPeople",
    "KnownPeople",
    "Overheard",
    "People",
    "SecrecyStudy",
    "SecrecyTraining",
    "ToyStudy",
    "Trained",
    "at_equal_secrecy",
    "train",
    "winners",
]
