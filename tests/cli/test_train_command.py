"""What judge generate train tells to do next."""

from pathlib import Path

from judge.cli.generate.train import audit_command


def test_the_audit_is_told_the_same_people_and_nothing_else():
    told = ["data=fairface", "data.root=my faces", "where.split=train", "generator.pictures=9", "seed=3"]
    wanted = "judge generate audit --generator g --out g/audit data=fairface 'data.root=my faces' where.split=train"
    assert audit_command(Path("g"), told) == wanted
    assert audit_command(Path("g"), ["run=r", "condition=c"]).endswith("--out g/audit run=r condition=c")
    assert audit_command(Path("g"), ["data.n=50"]).endswith("data=parametric data.n=50")
