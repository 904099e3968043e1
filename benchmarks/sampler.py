"""The sampler against a bare aiohttp loop and datatrove's InferenceRunner, at one loopback server, in turn.

    python benchmarks/sampler.py [--peer-python PATH]   (or FSS_PEER_PYTHON; datatrove_peer.py tells how to make it)

The server answers after 10 ms and has a core of its own, the clients share another. The bare loop writes the same lines
without retries, resume, or anything flushed to the disk before its end. Limits: 0.85 of the bare loop's rate, at most
100 us more CPU per request, 1.9 times the peer's rate, and a server that could bear twice the fastest client.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from loopback import cores, loopback, stats

HERE = Path(__file__).parent
Figures = dict[str, float]


def run(command: Sequence[str], url: str, count: int, concurrency: int) -> Figures:
    """One client's run: its own figures, and the server's CPU per request; `bytes` is what it wrote."""
    with TemporaryDirectory() as folder:
        options = [f"--count={count}", f"--concurrency={concurrency}", f"--cpu={cores()[0]}"]
        before = stats(url)
        ran = subprocess.run([*command, url, f"{folder}/out", *options], stdout=subprocess.PIPE, text=True, check=True)
        after = stats(url)
    figures: Figures = json.loads(ran.stdout.splitlines()[-1])
    if figures["rows"] != count or after["requests"] - before["requests"] != count:
        sys.exit(
            f"{command[-1]}: {figures['rows']} rows of {count} from {after['requests'] - before['requests']} requests"
        )
    served = (after["cpu"] - before["cpu"]) / count
    return {"rate": count / figures["wall"], "cpu": figures["cpu"] / count * 1e6, "served": served * 1e6}


def measure(clients: dict[str, list[str]], count: int, concurrency: int, repeats: int) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {name: [] for name in clients}
    with loopback(latency=0.01) as url:
        for repeat in range(repeats):
            for name, command in clients.items():
                figures = run(command, url, count, concurrency)
                found[name].append(figures)
                print(
                    f"{repeat + 1}. {name:9s} {figures['rate']:>8,.0f} requests/s, {figures['cpu']:>6,.0f} us CPU a "
                    f"request, {figures['served']:.0f} us at the server"
                )
    return found


def rates(one: Figures, other: Figures) -> float:
    return one["rate"] / other["rate"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-python", default=os.environ.get("FSS_PEER_PYTHON"), help="interpreter with datatrove")
    args = parser.parse_args()
    own = [sys.executable, str(HERE / "sampling_clients.py")]
    clients = {name: [*own, name] for name in ("bare", "sampler")}
    if args.peer_python and Path(args.peer_python).exists():
        clients["datatrove"] = [args.peer_python, str(HERE / "datatrove_peer.py")]
    else:
        print("datatrove: left out, since --peer-python names no interpreter")
    if len(os.sched_getaffinity(0)) < 2:
        print("one core: client and server share it, so that rates say little")
    found = measure(clients | {"hammer": [*own, "hammer"]}, args.count, args.concurrency, args.repeats)

    def middle(compare: Callable[[Figures, Figures], float], one: str, other: str) -> float:
        """Median of a comparison of two clients over the repeats."""
        return statistics.median(map(compare, found[one], found[other]))

    rate = middle(rates, "sampler", "bare")
    more = middle(lambda one, other: one["cpu"] - other["cpu"], "sampler", "bare")
    print(f"sampler / bare loop: x {rate:.2f} of its requests/s (at least 0.85), {more:+.0f} us CPU (at most 100)")
    if "datatrove" in found:
        peer = middle(rates, "sampler", "datatrove")
        print(f"sampler / datatrove with checkpoints: x {peer:.1f} (at least 1.9)")
    room = min(middle(rates, "hammer", "sampler"), middle(rates, "hammer", "bare"))
    print(f"what the server could bear / the faster of the two: x {room:.1f} (at least 2)")


if __name__ == "__main__":
    main()
