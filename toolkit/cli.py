"""The `fss` command: one verb per stage. Heavy libraries are imported by the verbs that need them."""

import argparse
import errno
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit import __version__
from toolkit.reports.fit_command import add_fit_arguments, fit_command
from toolkit.reports.plan_command import add_plan_arguments, plan_command

EXAMPLES = """examples:
  fss recipe ls                      what can be run
  fss run math-r16 --dry-run         what a run would do: stages, samples, steps, the first prompt
  fss run math-r16                   one budget, end to end
  fss run math                       the whole ladder and its law
  fss fit curve.csv --x r --y error --seed seed --fit-max 16 --predict 32 64
"""
FIT_EXAMPLE = "fss fit curve.csv --x r --y error --seed seed --fit-max 16 --predict 32 64 --plot law.png"
PLAN_EXAMPLE = "fss plan curves.parquet --n n --where arm=FSS --price question=1 response=0.02 --spend 500"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 for an error that is explained in one message, 130 when interrupted."""
    parser = _parser()
    args = parser.parse_args(arguments)
    _calm_libraries()
    try:
        code: int = args.verb(args)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except Exception as error:  # libraries have errors of their own for a full disk
        if args.traceback or not (_disk_full(error) or isinstance(error, ValueError | RuntimeError | OSError)):
            raise
        print(f"fss: error: {_explained(error)}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--traceback", action="store_true", help="show where an error came from")
    parser = argparse.ArgumentParser(
        prog="fss",
        description="When does generating more synthetic data help? Sample, publish, train, score, fit, plan.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fss {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(
        name: str, function: Callable[[argparse.Namespace], int], text: str, example: str
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            parents=[common],
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(verb=function)
        return added

    run = verb("run", _run, "all stages of a recipe, skipping what is done", "fss run math-r16 --dry-run")
    run.add_argument(
        "run", metavar="RUN", help="<recipe>, <recipe>-r<budget>, <recipe>-r<budget>-s<seed>, or a recipe file"
    )
    run.add_argument("--profile", default="nano", help="scale of the experiment (default: nano, embedded)")
    run.add_argument(
        "--workspace",
        type=Path,
        default=Path(os.environ.get("FSS_WORKSPACE", "workspace")),
        help="where artifacts lie (default: $FSS_WORKSPACE or ./workspace)",
    )
    run.add_argument(
        "--jobs", type=_positive, default=_cores(), help="worker processes, one core each (default: all cores)"
    )
    run.add_argument("--dry-run", action="store_true", help="print what would happen and make nothing")
    check = verb("check", _check, "re-verify a release folder", "fss check workspace/runs/math/release")
    check.add_argument("release", type=Path, metavar="FOLDER", help="with README.md, manifest.json and data/")
    fit = verb("fit", fit_command, "fit the law to a table of errors", FIT_EXAMPLE)
    add_fit_arguments(fit)
    plan = verb("plan", plan_command, "more questions or more answers, for a price list", PLAN_EXAMPLE)
    add_plan_arguments(plan)
    recipe = verb("recipe", _recipe, "list, show or copy recipes", "fss recipe cp math my-math")
    recipe.add_argument("action", choices=("ls", "show", "cp"))
    recipe.add_argument("names", metavar="NAME", nargs="*", help="show: a recipe; cp: a recipe and the new name")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _calm_libraries() -> None:
    """Before anything heavy is imported, here and in the workers that inherit it."""
    for name, value in {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        # Workers that are stopped cannot tell the tracker so; it frees what they held all the same.
        "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",
    }.items():
        os.environ.setdefault(name, value)


def _disk_full(error: Exception) -> bool:
    text = str(error)
    full = ("No space left", "StorageFull", "File too large", "Disk quota exceeded")
    known = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    return known or any(part in text for part in full)


def _explained(error: Exception) -> str:
    text = f"{error}" or type(error).__name__
    if _disk_full(error):
        return f"the disk is full ({text}). Free some space and run the same command again; what was done is kept"
    return text


def _run(args: argparse.Namespace) -> int:
    from toolkit.pipeline.run import run
    from toolkit.recipe import load_run

    summary = run(load_run(args.run, args.profile), args.workspace, jobs=args.jobs, dry=args.dry_run)
    print(summary)
    return 0


def _check(args: argparse.Namespace) -> int:
    from toolkit.pipeline.release import check

    wrong = check(args.release)
    print("\n".join(wrong) or f"{args.release}: digests, nesting, rows and every count on the card hold")
    return 1 if wrong else 0


def _recipe(args: argparse.Namespace) -> int:
    from toolkit.recipe import RecipeError, known_recipes, load_recipe, recipe_file

    wanted = {"ls": 0, "show": 1, "cp": 2}[args.action]
    if len(args.names) != wanted:
        raise RecipeError(f"fss recipe {args.action} takes {wanted} name(s), not {len(args.names)}")
    if args.action == "ls":
        for name, path in sorted(known_recipes().items()):
            print(f"{name:<16} {load_recipe(path).title}")
        return 0
    source = recipe_file(args.names[0])
    if args.action == "show":
        print(source.read_text(encoding="utf-8"), end="")
        return 0
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", args.names[1], re.ASCII):
        raise RecipeError(f"{args.names[1]!r} cannot name a recipe; use letters, digits, '-' and '_'")
    target = Path("recipes") / f"{args.names[1]}.yaml"
    if target.exists():
        raise RecipeError(f"{target} is there already; choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    print(f"{target}: edit it, then run `fss run {target.stem}`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
