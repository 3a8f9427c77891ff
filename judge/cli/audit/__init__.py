"""judge audit: what it takes (`command`), what it prints (`text`), and tables larger than memory (`engines`)."""

from judge.cli.audit.command import configure, run

__all__ = ["configure", "run"]
