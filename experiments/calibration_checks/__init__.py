"""The checks of fairness_calibration.py, by what they need: contests, scores, causes, sweeps."""
