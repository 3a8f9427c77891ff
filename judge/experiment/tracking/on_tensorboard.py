"""tracking=tensorboard: event files in the run's folder, or in another, that `tensorboard --logdir` shows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from judge.experiment.tracking.told import Told
from judge.extras import need
from judge.storage import make_writable


@dataclass(frozen=True)
class TensorBoard:
    """Writes scalars: losses by epoch, numbers of the audit at step 0; settings and where the page lies as text.

    folder  where a folder a run is made; None: `tensorboard` in the run's own folder
    """

    folder: str | None = None

    def __post_init__(self) -> None:
        need("tracking", "tracking=tensorboard")
        if self.folder is not None:
            make_writable(Path(self.folder))

    def track(self, told: Told) -> None:
        """Writes the run's events anew: there is one event file a run."""
        from torch.utils.tensorboard import SummaryWriter

        place = told.folder / "tensorboard"
        if self.folder is not None:
            place = Path(self.folder) / told.name / told.folder.name
        shutil.rmtree(place, ignore_errors=True)
        with SummaryWriter(str(place)) as writer:
            for tag, epoch, value in told.epochs():
                writer.add_scalar(tag, value, epoch)
            for tag, value in told.numbers():
                writer.add_scalar(tag, value, 0)
            settings = "\n".join(f"    {key}: {value}" for key, value in told.settings.items())
            writer.add_text("settings", settings, 0)
            writer.add_text("files", "\n".join(f"    {file.resolve()}" for file in told.artefacts), 0)
