"""Stage times of a run and the share spent outside model arithmetic: training, sampling and scoring.

    python benchmarks/main_job.py [RUN] [--workspace FOLDER] [--jobs N]

Runs from an empty workspace unless one is given, then once more with everything cached. Limits on two idle cores:
`math-r16` 300 s, `math` 1,200 s, everything cached 15 s; the last lines print the ratio to them.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

LIMITS = {"math-r16": 300.0, "math": 1200.0}
CACHED = 15.0
MODEL_STAGES = ("models", "responses", "students", "held-out", "score")


def main() -> None:
    """Run twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="math-r16")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as scratch:
        workspace = args.workspace or Path(scratch)
        made, stages = timed(args.run, workspace, args.jobs)
        startup = sum(start_ups(workspace)) / args.jobs
        cached, _ = timed(args.run, workspace, args.jobs)
    arithmetic = sum(seconds for name, seconds in stages.items() if name in MODEL_STAGES) - startup
    print(f"{'stage':<12} {'seconds':>8} {'share':>6}")
    for name, seconds in stages.items():
        print(f"{name:<12} {seconds:8.1f} {seconds / made:6.1%}")
    print(f"start-up of students {startup:.1f} s a worker, apart from the arithmetic")
    print(f"outside model arithmetic and start-up: {(made - arithmetic - startup) / made:.1%} of {made:.1f} s")
    if args.run in LIMITS:
        print(f"{args.run}: {made:.1f} s, {made / LIMITS[args.run]:.2f} x the limit of {LIMITS[args.run]:.0f} s")
    print(f"everything cached: {cached:.1f} s, {cached / CACHED:.2f} x the limit of {CACHED:.0f} s")


def timed(name: str, workspace: Path, jobs: int) -> tuple[float, dict[str, float]]:
    """Wall seconds of a run, whole and by stage."""
    from toolkit.pipeline.run import run
    from toolkit.progress import Progress
    from toolkit.recipe.load import load_run

    progress = Progress()
    start = time.monotonic()
    run(load_run(name), workspace, jobs=jobs, dry=False, progress=progress)
    stages: dict[str, float] = {}
    for stage, seconds in progress.done:
        stages[stage.name] = stages.get(stage.name, 0.0) + seconds
    return time.monotonic() - start, stages


def start_ups(workspace: Path) -> list[float]:
    """Seconds that each student's trainer took to start, imports included for the first of a worker."""
    manifests = (json.loads(path.read_text()) for path in workspace.glob("student/*/.artifact.json"))
    return [manifest["seconds"] - manifest["facts"]["train_seconds"] for manifest in manifests]


if __name__ == "__main__":
    main()
