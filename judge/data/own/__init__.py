"""Somebody's own folder of pictures: what its tables' columns may be, and single ratings beside them.

`proposal` looks at a folder and says which settings of the reader (judge.data.readers.folder) fit it; `columns` has the
words and values by which a column is known for what it is, `tables` finds the tables and whose pictures they name,
`ratings` reads single ratings and the scale.
"""
