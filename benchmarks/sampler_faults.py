"""The sampler at a server full of faults against a bare aiohttp loop that sends as many requests and retries nothing.

    python benchmarks/sampler_faults.py [--count 20000]

Every 7th request is refused with 429, 5 % fail with 500, 2 % hang and are cut after 2 s, 1 % bring half of a body. The
limit: every row is a response or a recorded reason, in at most 1.5 times what the bare loop takes for the attempts.
"""

import argparse
import json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    args = parser.parse_args()
    with TemporaryDirectory() as folder, loopback(**FAULTS) as url:
        out = Path(folder) / "rows.jsonl"
        wall, attempts = run("sampler", url, out, args.count, args.concurrency)
        reasons = Counter(row.error.partition(":")[0] for row in read_journal(out))
        bare, sent = run("bare", url, Path(folder) / "bare.jsonl", attempts, args.concurrency)
    held = reasons.total()
    told = ", ".join(f"{count:,} x {reason or 'a response'}" for reason, count in reasons.most_common())
    print(f"sampler:   {wall:6.1f} s, {attempts:,} attempts for {args.count:,} rows: {told}")
    print(f"bare loop: {bare:6.1f} s, {sent:,} attempts")
    print(f"rows written / wanted: {held / args.count:.4f} (must be 1)")
    print(f"sampler / bare loop over the same attempts: x {wall / bare:.2f} of its time (at most 1.5)")


if __name__ == "__main__":
    main()
