"""Commands that make something to hand on: a page to explore, figures for a paper."""
