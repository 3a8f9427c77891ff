"""judge: what skewed training pictures do to who wins a beauty contest judged by machines."""

__version__ = "0.1.0"
