"""The sampler at a server full of faults against a bare aiohttp loop that sends as many requests and retries nothing.

    python benchmarks/sampler_faults.py [--count 20000]

Every 7th request is refused with 429, 5 % fail with 500, 2 % hang and are cut after 2 s, 1 % bring half of a body. The
limit: every row is a response or a recorded reason, in at most 1.5 times what the bare loop takes for the attempts.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from loopback import cores, loopback, stats

from toolkit.synthesis.journal import read_journal

FAULTS = {"latency": 0.01, "refuse_every": 7, "fail": 0.05, "hang": 0.02, "garbage": 0.01}
TIMEOUT = 2.0  # seconds


def run(client: str, url: str, out: Path, count: int, concurrency: int) -> tuple[float, int]:
    """Wall seconds, and requests that the server saw."""
    command = [sys.executable, str(Path(__file__).with_name("sampling_clients.py")), client, url, str(out)]
    options = [f"--count={count}", f"--concurrency={concurrency}", f"--timeout={TIMEOUT}", f"--cpu={cores()[0]}"]
    before = stats(url)["requests"]
    ran = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout)["wall"], int(stats(url)["requests"] - before)


def compare(url: str, count: int, concurrency: int) -> tuple[float, float]:
    """(share of the rows that are written, wall time over the bare loop's) of one run of each."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "rows.jsonl"
        wall, attempts = run("sampler", url, out, count, concurrency)
        reasons = Counter(row.error.partition(":")[0] for row in read_journal(out))
        bare, sent = run("bare", url, Path(folder) / "bare.jsonl", attempts, concurrency)
    told = ", ".join(f"{number:,} x {reason or 'a response'}" for reason, number in reasons.most_common())
    print(f"sampler {wall:.1f} s for {attempts:,} attempts, bare loop {bare:.1f} s for {sent:,}; {told}")
    return reasons.total() / count, wall / bare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with loopback(**FAULTS) as url:
        found = [compare(url, args.count, args.concurrency) for _ in range(args.repeats)]
    written, times = zip(*found, strict=True)
    print(f"rows written / wanted: {min(written):.4f} (must be 1)")
    print(f"sampler / bare loop over the same attempts: x {statistics.median(times):.2f} of its time (at most 1.5)")


if __name__ == "__main__":
    main()
