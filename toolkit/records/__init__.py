"""Rows of anybody's file, one after the other, with every number as it was written.

`read_records` takes JSONL, JSON, CSV, TSV and parquet, the texts also packed by gzip, bzip2 or xz. A row is a dict; a
number in it is a `Number`, the text that stood there. `cell_text` makes one text of a value, or says why it cannot.
"""
