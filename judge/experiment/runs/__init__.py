"""Runs by the thousand: what a comparison reads of each, an index of their folders, people stored once.

`rows` are the numbers of a run that a comparison needs, kept in its done.json so that no table has to be opened. `index`
finds the runs below a folder and remembers what it read. `people` keeps the manifests of a sweep's runs in one place
beside them. `contests` reads who entered a run and where they were ranked. `stacking` trains the
judges of a sweep's runs together, before the runs.
"""
