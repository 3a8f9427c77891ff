"""Twins: the same person in other skin tones, and what a judge makes of it.

The renderer changes one cause and nothing else, so a change of the score is the judge's. Beside the tones stand edits
that should change no judge's mind: another backdrop, light from the other side, less light.
"""

import matplotlib.pyplot as plt
from matplotlib.image import imread

from judge.data.parametric import read_parametric, read_twins
from judge.jury import Embedding, EmbeddingJudge

people = read_parametric(400, size=64, mode="natural", progress=False)
judge = EmbeddingJudge(Embedding(size=64), progress=False).fit(
    people.manifest, rating_range=people.rating_range, seed=0
)

twins = read_twins(12, tones=5, size=64, mode="natural", progress=False).manifest
scores, _ = judge.score(twins)
twins = twins.merge(scores[["image_id", "score"]], on="image_id")
original = twins[twins["twin_edit"] == "original"].set_index("person_id")["score"]
twins["change"] = twins["score"] - twins["person_id"].map(original)
edited = twins[twins["twin_edit"] != "original"]
print(edited.groupby("twin_edit")["change"].agg(["mean", "std", "size"]).round(2).to_string())

person = twins[twins["person_id"] == twins["person_id"].iloc[0]].sort_values(["twin_edit", "twin_value"])
figure = plt.figure(figsize=(7, 3.6), layout="constrained")
faces = figure.add_gridspec(2, len(person), height_ratios=(1, 2.2))
for i, row in enumerate(person.itertuples()):
    panel = figure.add_subplot(faces[0, i], title=row.twin_edit)
    panel.title.set_fontsize(7)
    panel.imshow(imread(row.path))
    panel.set_axis_off()
axes = figure.add_subplot(faces[1, :])
tones = edited[edited["twin_edit"] == "tone"].sort_values("ita")
for _, one in tones.groupby("person_id"):
    axes.plot(one["ita"], one["change"], color="#5c8097", linewidth=0.8)
axes.axhline(0, color="0.7", zorder=0)
axes.set(xlabel="skin tone, ITA in degrees (higher is lighter)", ylabel="change of score")
