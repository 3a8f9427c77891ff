"""Whether a generator's diversity is an illusion: shares, quality and coverage by group, copies, lightening.

Nothing here is measured in the features that trained a discriminator.
"""
