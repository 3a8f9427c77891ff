"""Tables on disk: Parquet keeps what is there, CSV is safe to open in a spreadsheet."""

import pandas as pd

from judge.data.tables import write_table


def test_a_text_that_a_spreadsheet_would_run_is_defused_in_the_csv_and_kept_in_the_parquet(tmp_path):
    table = pd.DataFrame({"group": ["=HYPERLINK(1)", "+1", "plain", None], "shift": [-1.0, 0.5, 2.0, -3.0]})
    write_table(table, tmp_path / "t")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table, check_dtype=False)
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["group"].tolist()[:3] == ["'=HYPERLINK(1)", "'+1", "plain"]
    assert read["shift"].tolist() == [-1.0, 0.5, 2.0, -3.0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "t.parquet"]
