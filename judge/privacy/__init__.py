"""Private synthetic people, membership attacks that check the claim, and selective secrecy.

`budget` plans the noise of a list of mechanisms for an (ε, δ), `accountants` computes ε twice, `ledger` writes down
what is used, `people` is the one way to private rows, `labels` releases groups and ratings; `pools` makes people.
"""
