"""One process of a race: `python -m tests.hub.racer ENDPOINT REPO FOLDER VERSION` prints how it went."""

import json
import os
import sys
from pathlib import Path

from huggingface_hub import HfApi

from toolkit.hub.release import publish_release
from toolkit.hub.upload import Target
from toolkit.hub.version import Refused


def main() -> None:
    """The token comes from the environment, as a user's would."""
    endpoint, repo, folder, version = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all start at once
    try:
        api = HfApi(endpoint=endpoint, token=os.environ["HF_TOKEN"])
        done = publish_release(Path(folder), repo, Target(api, lambda text: None), version=version)
        output = {"new": done.new, "version": done.version, "commit": done.commit}
    except Refused as error:
        output = {"refused": str(error)}
    sys.stdout.write(json.dumps(output))


if __name__ == "__main__":
    main()
