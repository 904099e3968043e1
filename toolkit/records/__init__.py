"""Rows of any user's file, one after the other, with every number as it was written.

`read_records` reads JSONL, JSON, CSV, TSV and parquet; text formats may be compressed by gzip, bzip2 or xz. A row is a
dict; a number in it is a `Number`, the text that stood there. `cell_text` makes a text of a value, or refuses it.
"""
