"""judge audit, as a person or a program uses it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from judge.cli import main

QUICK = ["--permutations", "100"]


@pytest.fixture
def entrants(tmp_path):
    rng = np.random.default_rng(0)
    n = 300
    table = pd.DataFrame(
        {
            "image_id": [f"p{i}" for i in range(n)],
            "ethnicity": rng.choice(["asian", "NA", "white"], n, p=[0.2, 0.1, 0.7]),
            "gender": rng.choice(["female", "male"], n),
            "score": rng.normal(size=n),
            "second": rng.normal(size=n),
            "rating": rng.normal(size=n),
            "unused": "x",
        }
    )
    path = tmp_path / "entrants.csv"
    table.to_csv(path, index=False)
    return path


def test_json_is_records_on_standard_output_and_nothing_else(entrants, capsys):
    code = main(
        [
            "audit",
            str(entrants),
            "--feature",
            "ethnicity",
            "--score",
            "score",
            "--places",
            "5",
            "--json",
            *QUICK,
        ]
    )
    out = capsys.readouterr().out

    def refuse(constant):
        raise AssertionError(constant)

    records = json.loads(out, parse_constant=refuse)
    assert code == 0
    keys = {"metric", "feature", "group", "value", "n", "ci_low", "ci_high", "p_value", "test"}
    assert all(keys <= set(record) for record in records)
    assert {"selection_rate", "ndkl"} <= {record["metric"] for record in records}


def test_the_published_counts_run_by_name(capsys):
    assert main(["audit", "beauty-ai-2016", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    ratio = next(r for r in records if r["metric"] == "selection_rate_ratio" and r["group"] == "dark")
    assert ratio["value"] == pytest.approx(0.2534, abs=1e-3)


def test_the_published_counts_take_no_columns(capsys):
    assert main(["audit", "beauty-ai-2016", "--feature", "x"]) == 2
    assert "--feature" in capsys.readouterr().err


def test_the_table_is_readable_and_names_the_primary_contrast(entrants, capsys):
    main(
        [
            "audit",
            str(entrants),
            "--feature",
            "ethnicity",
            "--score",
            "score",
            "--places",
            "5",
            "--bracket",
            "gender",
            *QUICK,
        ]
    )
    out = capsys.readouterr().out
    assert "Primary contrast" in out and "ratio" in out
    assert max(map(len, out.splitlines())) < 160


def test_two_scores_stand_side_by_side(entrants, capsys):
    main(
        [
            "audit",
            str(entrants),
            "--feature",
            "ethnicity",
            "--score",
            "score",
            "--score",
            "second",
            "--places",
            "5",
            "--all",
            *QUICK,
        ]
    )
    out = capsys.readouterr().out
    head = next(line for line in out.splitlines() if line.startswith("metric"))
    assert head.split() == ["metric", "group", "score", "second"]


def test_no_seed_changes_who_is_counted_where_all_tie(tmp_path, capsys):
    table = pd.DataFrame({"id": range(200), "g": ["a", "b"] * 100, "s": 1.0})
    table.to_csv(tmp_path / "t.csv", index=False)

    def share(*options):
        main(["audit", str(tmp_path / "t.csv"), "--feature", "g", "--score", "s", "--places", "9", "--json",
              *options, *QUICK])  # fmt: skip
        rows = json.loads(capsys.readouterr().out)
        return next(r["value"] for r in rows if r["metric"] == "winner_share" and r["group"] == "a")

    # nine places for 200 who tie, half of them a: an average over all lots
    assert share() == share("--seed", "3") == share("--tie-seed", "5") == 0.5


def test_a_group_called_na_stays_a_group(entrants, capsys):
    main(["audit", str(entrants), "--feature", "ethnicity", "--score", "score", "--json", *QUICK])
    groups = {record["group"] for record in json.loads(capsys.readouterr().out)}
    assert "NA" in groups and "(missing)" not in groups


def test_findings_are_printed_alone_and_as_json(entrants, capsys):
    options = [
        "audit",
        str(entrants),
        "--feature",
        "ethnicity",
        "--score",
        "score",
        "--places",
        "5",
        "--findings",
    ]
    main([*options, *QUICK])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 20 and lines[0] == "what the audit says, with 95 % intervals"
    main([*options, "--json", *QUICK])
    records = json.loads(capsys.readouterr().out)
    assert records[0]["kind"] == "primary" and records[0]["rows"][0]["metric"] == "winner_share"
    assert records[0]["text"] in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("option", ["--latex", "--pdf"])
def test_files_need_a_folder(entrants, capsys, option):
    assert main(["audit", str(entrants), "--feature", "ethnicity", "--score", "score", option]) == 2
    assert "--out DIR" in capsys.readouterr().err


@pytest.mark.slow
def test_out_holds_every_form_of_the_table_and_a_page(entrants, tmp_path, capsys):
    out = tmp_path / "audit"
    options = (
        "--feature ethnicity --score score --places 5 --reference white --rating rating --bracket gender"
    )
    code = main(["audit", str(entrants), *options.split(), "--out", str(out), "--latex", "--pdf", *QUICK])
    assert code == 0
    assert json.loads((out / "findings.json").read_text(encoding="utf-8"))[0]["kind"] == "primary"
    assert "\\toprule" in (out / "table.tex").read_text(encoding="utf-8")
    figures = out / "figures"
    assert {p.stem for p in figures.glob("*.pdf")} == {p.stem for p in figures.glob("*.svg")}
    parquet, csv = (
        pd.read_parquet(out / "audit.parquet"),
        pd.read_csv(out / "audit.csv", keep_default_na=False),
    )
    assert len(parquet) == len(csv) == len(json.loads((out / "audit.json").read_text(encoding="utf-8")))
    assert {"k", "skew", "null_low", "null_high"} <= set(pd.read_parquet(out / "skew_curves.parquet"))
    assert (out / "page.html").is_file() and list((out / "figures").glob("*.png"))
    assert str(out / "page.html") in capsys.readouterr().out


@pytest.mark.slow
def test_names_like_formulas_and_html_are_harmless_in_every_form(tmp_path, capsys):
    hostile = ["=HYPERLINK(1)", "<script>alert(1)</script>", "@sum", "+1", "-1", "\x1b[31mred"]
    table = pd.DataFrame({"g": np.repeat(hostile, 20), "s": np.random.default_rng(0).normal(size=120)})
    path = tmp_path / "t.parquet"
    table.to_parquet(path)
    out = tmp_path / "audit"
    main(["audit", str(path), "--feature", "g", "--score", "s", "--places", "6", "--out", str(out), *QUICK])
    assert "\x1b" not in capsys.readouterr().out
    text = pd.read_csv(out / "audit.csv", dtype=str, keep_default_na=False)
    assert not text["group"].str.startswith(("=", "+", "-", "@")).any()
    assert "'=HYPERLINK(1)" in set(text["group"])
    assert set(hostile) <= set(pd.read_parquet(out / "audit.parquet")["group"])
    assert "<script>alert" not in (out / "page.html").read_text(encoding="utf-8")


def test_a_control_character_cannot_reach_the_terminal(entrants, capsys):
    table = pd.read_csv(entrants, keep_default_na=False)
    table.loc[0, "ethnicity"] = "\x1b[2Jgone"
    table.to_csv(entrants, index=False)
    main(["audit", str(entrants), "--feature", "ethnicity", "--score", "score", *QUICK])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"ethnicity,score\n", "0 rows"),
        (b"\x00\x01\x02\x81\x8d", "cannot be read"),
        (b"a;b\n1;2\n", "no column 'ethnicity', 'score'"),
        (b"ethnicity,score\nx,high\n", "score has 1 of 1 rows that are no number"),
        (b"id,ethnicity,score\n1,x,1\n1,y,2\n", "1 of 2 rows repeat a id"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_a_traceback(tmp_path, capsys, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert main(["audit", str(path), "--feature", "ethnicity", "--score", "score"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and "Traceback" not in captured.err and captured.out == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.csv", "no such file"),
        ("folder", "holds no file that ends in"),
        ("t.xlsx", "a table ends in"),
    ],
)
def test_a_path_that_is_no_table_is_named(tmp_path, capsys, name, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "t.xlsx").write_bytes(b"x")
    assert main(["audit", str(tmp_path / name), "--feature", "g", "--score", "s"]) == 2
    assert message in capsys.readouterr().err


def test_a_broken_parquet_is_named(tmp_path, capsys):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1nothing")
    assert main(["audit", str(path), "--feature", "g", "--score", "s"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.slow
def test_the_audit_starts_without_torch_or_pandera():
    code = (
        "import sys; from judge.cli import main; main(['audit', 'beauty-ai-2016', '--json']); "
        "assert not {'torch', 'pandera', 'matplotlib', 'statsmodels'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_people_who_come_twice_are_refused_unless_the_user_names_a_rule(entrants, tmp_path, capsys):
    table = pd.read_csv(entrants, keep_default_na=False).assign(person_id=lambda t: np.arange(len(t)) // 2)
    for name in ("twice.csv", "twice.parquet"):
        path = tmp_path / name
        table.to_csv(path, index=False) if name.endswith("csv") else table.to_parquet(path)
        ask = ["audit", str(path), "--feature", "ethnicity", "--score", "score", "--places", "5", *QUICK]
        assert main(ask) == 2
        assert "150 of 300 rows repeat a person_id" in capsys.readouterr().err
        assert main([*ask, "--one-per-person", "best", "--json"]) == 0
        out, err = capsys.readouterr()
        shares = [row for row in json.loads(out) if row["metric"] == "entrant_share"]
        assert sum(row["n"] for row in shares) == 150
        assert "150 of 300 rows set aside: the best row of each person_id counts" in err


def test_who_was_eligible_is_a_step_of_the_chain(entrants, tmp_path, capsys):
    table = pd.read_csv(entrants, keep_default_na=False).assign(ok=lambda t: t.index % 3 > 0)
    path = tmp_path / "eligible.csv"
    table.to_csv(path, index=False)
    ask = [
        "audit",
        str(path),
        "--feature",
        "ethnicity",
        "--score",
        "score",
        "--places",
        "5",
        "--eligible",
        "ok",
    ]
    assert main([*ask, "--json", *QUICK]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert {"log_share_admitted", "log_share_judged", "not_eligible_share"} <= {row["metric"] for row in rows}
    assert sum(row["n"] for row in rows if row["metric"] == "entrant_share") == 300
    assert "100 of 300 people were not eligible (ok)" in err
