"""Generated people: the same latent, asked for other groups, and truncated.

The generator that comes with judge has learnt from rendered people. A row is one latent: what was asked for changes
along it, and so does more than that, which is why a study of bias by generated faces needs an audit. Below, truncation
takes variety away.
"""

import matplotlib.pyplot as plt
import pandas as pd

from judge.generator import load_generator

generator = load_generator("packaged")
groups = ["african", "asian", "caucasian"]
asked = pd.DataFrame(
    {
        "ethnicity": [group for _ in range(3) for group in groups for _ in range(2)],
        "gender": [gender for _ in range(3) for _ in groups for gender in ("female", "male")],
        "age": 30.0,
    }
)
latents = generator.latents(3, seed=4).repeat_interleave(6, dim=0)

figure, axes = plt.subplots(6, 6, figsize=(6, 6.4), layout="constrained")
for first, psi in ((0, 1.0), (3, 0.3)):
    faces = generator.draw(asked, latents=latents, psi=psi).permute(0, 2, 3, 1).numpy()
    print(
        f"psi={psi}: spread of the pixels between faces of one request {faces.reshape(3, 6, -1).std(axis=0).mean():.1f}"
    )
    for panel, face in zip(axes[first : first + 3].flat, faces, strict=True):
        panel.imshow(face)
        panel.set_axis_off()
    axes[first, 0].set_title(f"ψ = {psi:g}", loc="left", fontsize=9)
for panel, group in zip(axes[0, 1::2], groups, strict=True):
    panel.set_title(group, fontsize=9)
