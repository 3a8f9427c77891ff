"""The one exception for what a user can mend: bad input, a wrong setting, an unusable file."""


class InputError(ValueError):
    """Names the thing, what is allowed and what was given; the command line prints it without a traceback.

    Every room may import this module (it imports nothing).
    """


def listed(values: object, limit: int = 12) -> str:
    """Values for an error message, in order and cut at `limit` with the number left out."""
    items = [repr(value) for value in values]  # type: ignore[attr-defined]
    if not items:
        return "none"
    rest = f", … ({len(items) - limit} more)" if len(items) > limit else ""
    return ", ".join(items[:limit]) + rest
