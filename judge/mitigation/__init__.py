"""What can be changed about a condition so that another group wins: one file and one yaml a method, by where it acts.

pools       before training: what the judge learns from
objectives  in the training loop: what the loss asks for
refits      after training: the judge's last part fitted again
scores      before the contest: what becomes of the scores

A method's class says where it belongs by its attribute `seam` ("pool", "objective", "refit" or "scores"), so that
`mitigation=NAME` and `+conditions.OWN=NAME` need not repeat it.
"""

SEAMS = ("pool", "objective", "refit", "scores")

__all__ = ["SEAMS"]
