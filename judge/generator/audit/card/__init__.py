"""The report card of a generator: a row a group, each measure beside real people against real people, and a verdict."""

from judge.generator.audit.card.verdicts import ENOUGH, SHOWN, VERDICTS
from judge.generator.audit.card.whole import PSI, GeneratorAudit, audit_generator

__all__ = ["ENOUGH", "PSI", "SHOWN", "VERDICTS", "GeneratorAudit", "audit_generator"]
