from toolkit.text import markdown_table


def test_a_table_is_aligned_markdown():
    table = markdown_table(("r", "error"), [["1", "0.9"], ["16", "0.25"]])
    assert table.splitlines() == ["| r  | error |", "| -- | ----: |", "| 1  |   0.9 |", "| 16 |  0.25 |"]
