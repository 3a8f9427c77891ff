"""Pictures that lie in object stores: which there are (`pictures_at`), and a part of them as files here (`fetched`).

Whatever judges a picture reads it from a file of this machine, by the project's one way of reading
(`data.picture_files`): a store adds no second one.
"""

from judge.data.remote.fetching import Fetched, fetched, fetched_ahead
from judge.data.remote.listing import pictures_at, table_at

__all__ = ["Fetched", "fetched", "fetched_ahead", "pictures_at", "table_at"]
