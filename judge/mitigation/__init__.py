"""What can be changed about a condition so that another group wins: one file and one yaml a method, by where it acts.

pools       before training: what the judge learns from
objectives  in the training loop: what the loss asks for
refits      after training: the judge's last part fitted again
scores      before the contest: what becomes of the scores

The calls:

pool        method(pool, source, *, feature, rng) -> pool
objective   Method(base loss, groups, **settings) -> an objective of the training loop (judge.jury.network.losses)
refit       method(judge, pool, *, feature, rng) -> judge; the judge is a copy of its own, and is saved afterwards
scores      method(scores, people, *, feature, brackets, places) -> scores. One that has `fit(scores, people, *,
            feature)` is fitted on people who neither train nor enter, and where a panel sits it mends each judge's
            scores before they are combined, since a panel's scores mean nothing outside their field; one without sees
            the final scores. One that has `check(people, entrants, *, feature)` may refuse before anything is trained

A method's class says where it belongs by its attribute `seam` ("pool", "objective", "refit" or "scores"), so that
`mitigation=NAME` and `+conditions.OWN=NAME` need not repeat it.
"""

SEAMS = ("pool", "objective", "refit", "scores")

__all__ = ["SEAMS"]
