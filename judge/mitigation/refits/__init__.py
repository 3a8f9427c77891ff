"""Methods that fit the last part of a trained judge again."""
