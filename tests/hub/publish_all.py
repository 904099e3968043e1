"""What a user's shell would push: `python -m tests.hub.publish_all FOLDER RELEASE MODEL REPO`, talkative."""

import logging
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi

from toolkit.hub.models import Model, publish_model
from toolkit.hub.release import publish_release
from toolkit.hub.results import Results, publish_results
from toolkit.hub.upload import Target, collect


def main() -> None:
    """The token comes from where the client library looks for it."""
    logging.basicConfig(level=logging.DEBUG)
    folder, release, model, repo = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    target = Target(HfApi(), lambda text: sys.stdout.write(f"{text}\n"))
    data = publish_release(release, repo, target, version="v1.0.0")
    row = {"arm": "FSS", "questions": 4, "budget": 1, "n": 8, "error": 0.5}
    pq.write_table(pa.Table.from_pylist([row]), folder / "table.parquet")
    tables = folder / "table.parquet", folder / "table.parquet"
    results = Results("T", *tables, {}, repo, "v1.0.0", data.commit, "mit")
    publish_results(results, f"{repo}-results", target, version="v1.0.0")
    publish_model(model, f"{repo}-teacher", Model("T", "", "mit"), target)
    collect(target, repo, "local", [(repo, "dataset"), (f"{repo}-teacher", "model")])


if __name__ == "__main__":
    main()
