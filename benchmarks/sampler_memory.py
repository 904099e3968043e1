"""Peak memory of the sampler above its imports, at a loopback server, as the rows grow.

    python benchmarks/sampler_memory.py [--counts 20000 200000] [--concurrency 256]

The limit: at most 100 MiB, and flat: ten times the rows take no more than a tenth more.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from loopback import loopback

LIMIT = 100  # MiB above imports


def above_imports(url: str, count: int, concurrency: int) -> float:
    """MiB that a process of its own needed beyond its imports."""
    with TemporaryDirectory() as folder:
        script = str(Path(__file__).with_name("sampling_clients.py"))
        options = [f"--count={count}", f"--concurrency={concurrency}"]
        command = [sys.executable, script, "sampler", url, f"{folder}/out", *options]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(ran.stdout)
    above: float = figures["peak"] - figures["imported"]
    rate = count / figures["wall"]
    print(f"{count:>9,} rows: {above:5.1f} MiB above the {figures['imported']:.0f} of imports, {rate:,.0f} rows/s")
    return above


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--concurrency", type=int, default=256)
    args = parser.parse_args()
    with loopback(latency=0.01) as url:
        peaks = [above_imports(url, count, args.concurrency) for count in args.counts]
    print(f"most / limit of {LIMIT} MiB: x {max(peaks) / LIMIT:.2f}")
    print(f"most rows / fewest rows: x {peaks[-1] / peaks[0]:.2f} of the memory")


if __name__ == "__main__":
    main()
