"""The experiment: what is set, who trains and who enters, trainings, contests, run folders, comparisons.

This is the only room that composes the others. `run` does one run in a folder, `compare` makes one table, dose–response
and page of many; `api` is what `import judge` hands on. Below the run, functions take values and dataclasses, never a
tree of settings.
"""
