"""What can be changed about a condition so that another group wins: one file and one yaml a method, by where it acts.

pools       before training: what the judge learns from
objectives  in the training loop: what the loss asks for
refits      after training: the judge's last part fitted again
scores      before the contest: what becomes of the scores
ranking     in the contest: who gets the places, given the scores

The calls:

pool        method(pool, source, *, feature, rng) -> pool. One with `own_size = True` keeps its size: all others of a
            run are brought to one. One with `reads_ratings = True` is called with `ratings`, single ones or None, too
objective   Method(base loss, groups, **settings) -> an objective of the training loop (judge.jury.network.losses)
            One with `trains_features = True` has no use for a judge whose features are frozen; one that has
            `survey(rating, weight, groups, steps)` is told of the whole pool before the first step, and may refuse it;
            one that has `first_epochs` and `reweigh(error, weight)` is trained for twice (judge.jury.beauty)
refit       method(judge, pool, *, held_out, feature, rng) -> judge; the judge is a copy of its own, and is saved
            afterwards. The pool is what the judge was trained on, without its validation part. One with
            `needs_held_out = True` gets rated people who neither train nor enter, else None. A judge has
            `read(manifest)`, `set_head(ridge)` and `project(mean, basis)` for it (judge.jury.loading.Judge); `calls`
            names those that the method uses, and `check(pool, held_out, *, feature)` may refuse before anything is
            trained
scores      method(scores, people, *, feature, brackets, places) -> scores. One that has `fit(scores, people, *,
            feature)` is fitted on people who neither train nor enter, and where a panel sits it mends each judge's
            scores before they are combined, since a panel's scores mean nothing outside their field; one without sees
            the final scores. One that has `check(people, entrants, *, feature)` may refuse before anything is trained
ranking     method(scores, people, *, merit, feature, brackets, places, rng) -> rank from 1 within each bracket, where
            `merit` is the rank by score with ties drawn by lot; scores stay as they are. One that has
            `check(entrants, *, feature)` may refuse before anything is trained

A method's class says where it belongs by its attribute `seam` ("pool", "objective", "refit", "scores" or "ranking"),
so that `mitigation=NAME` and `+conditions.OWN=NAME` need not repeat it.
"""

SEAMS = ("pool", "objective", "refit", "scores", "ranking")

__all__ = ["SEAMS"]
