"""The table of corpora is read as it was written."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.reports.arms import MATCHES
from toolkit.reports.corpora import CORPORA, CorpusKey, counted, measured, read_corpora, untested, write_corpora
from toolkit.reports.rules.ledger import Ledger
from toolkit.statistics.metric import Metric

EVOL = CorpusKey("sim", "evol", "evol_instruct", "samples", 8, 1)
METRICS = {"distinct_2": Metric(0.5, 0.4, 0.6, "share of 2-grams", "halves", 256)}


def test_rows_are_read_as_they_were_written(tmp_path):
    values = [*measured(EVOL, METRICS), *counted(EVOL, {"samples": 2048, "steps": 400})]
    values.append(untested(CorpusKey("other", "mammoth2", "mammoth2")))
    write_corpora(tmp_path, values)
    assert pq.read_schema(tmp_path / "corpora.parquet").equals(CORPORA)
    assert read_corpora(tmp_path / "corpora.parquet") == values
    assert read_corpora(tmp_path / "corpora.parquet", "sim") == values[:3]


def test_what_is_counted_and_what_is_measured_do_not_mix():
    with pytest.raises(ValueError, match="'samples' is counted, not measured"):
        measured(EVOL, {"samples": METRICS["distinct_2"]})
    with pytest.raises(ValueError, match="a ledger has no 'rows'; it has samples, prompt_tokens"):
        counted(EVOL, {"rows": 1})


def test_another_table_is_refused(tmp_path):
    pq.write_table(pa.table({"arm": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"t\.parquet: it has no column 'budget'"):
        read_corpora(tmp_path / "t.parquet")


def test_a_corpus_without_a_match_serves_all():
    ledger = Ledger(
        [
            *counted(CorpusKey("sim", "a", "p", None, 8, 0), {"samples": 10, "prompt_tokens": 5}),
            *measured(EVOL, METRICS),
        ]
    )
    assert all(ledger.mean("a", match, 8, "samples") == 10 for match in MATCHES)
    assert ledger.tokens("a", "samples", 8) is None and ledger.mean("a", "samples", 4, "samples") is None
    assert ledger.mean("evol", "samples", 8, "distinct_2") == 0.5 and not ledger.of("evol", "tokens", 8)
    assert ledger.metrics() == ["distinct_2"]
