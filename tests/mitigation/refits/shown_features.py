"""A judge of one's own, the smallest that can be refitted: its features are columns of the manifest."""

import numpy as np
import pandas as pd

from judge.jury.ridge import Projection, once_each, ridge


class ShownFeatures:
    kind = "shown_features:ShownFeatures"

    def __init__(self, columns):
        self.columns = columns
        self.projection = None
        self.head = None

    def fit(self, manifest):
        pictures = once_each(manifest)
        x, rating, weight = (pictures[part].to_numpy(float) for part in (self.columns, "rating", "weight"))
        self.set_head(ridge(x, rating, weight))
        return self

    def read(self, manifest):
        x = manifest[self.columns].to_numpy(float)
        x = x if self.projection is None else self.projection(x)
        return x, manifest.reset_index(drop=True), pd.DataFrame()

    def project(self, mean, basis):
        further = Projection.checked(mean, basis)
        self.projection = further if self.projection is None else self.projection.then(further)

    def set_head(self, fit):
        self.head = fit

    def score(self, manifest):
        x, rows, excluded = self.read(manifest)
        score = ((x - self.head.mean) / self.head.scale) @ self.head.weight + self.head.bias
        return pd.DataFrame({"image_id": rows["image_id"], "score": score}), excluded

    def slope(self, column):
        """Points that the score rises by when the column rises by one."""
        unit = np.zeros((2, len(self.columns)))
        unit[1, self.columns.index(column)] = 1
        table = pd.DataFrame(unit, columns=self.columns).assign(image_id=["a", "b"])
        return float(np.diff(self.score(table)[0]["score"])[0])
