"""People who come in pieces, best first: sums over the stream that say of them what arrays would.

`sorted_scores` holds the stream on disk. Of it `places` fills the places of each bracket, `ranks` and `prefixes` follow
the ranking, `tails` and `moments` the scores of each group; `collected` gives the people of one comparison one by one,
and `outranking` the test that may need them.
"""
