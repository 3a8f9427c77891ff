"""Methods that change what a judge is asked to match, in its training loop."""
