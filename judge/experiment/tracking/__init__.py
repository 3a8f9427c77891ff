"""A finished run told to a tool that keeps many of them: tracking=tensorboard, tracking=mlflow.

`told.Told` is what a tracker is told: settings, losses by epoch, the rows of the audit, the files to keep. Each tracker
is one file with `track(told)`, which writes a run once, however often it is called. It is called when a run has
finished: what is kept of a training is in its judge's folder by then, so that the training loop knows nothing of
trackers, and a run that was killed and went on is told as one.
"""

from judge.experiment.tracking.told import Told, Tracker, histories, told_of, tracker_of

__all__ = ["Told", "Tracker", "histories", "told_of", "tracker_of"]
