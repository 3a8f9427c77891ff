"""What pages are made of: each function takes tables and returns a section, or the blocks of one.

A section is about one question (who was selected, how far off the scores are, what was excluded) and may stand on
several pages. It has no import here: a page names the file of each section that it takes.
"""
