"""The `fss` command: one verb per stage. Heavy libraries are imported by the verbs that need them."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit import __version__, verbs
from toolkit.commands.arguments import cores, positive
from toolkit.commands.compare import add_compare_arguments, compare_command
from toolkit.commands.fit import add_fit_arguments, fit_command
from toolkit.commands.judge import add_judge_arguments, judge_command
from toolkit.commands.plan import add_plan_arguments, plan_command
from toolkit.redaction import redacted
from toolkit.streams import READER_GONE, flushed, open_streams, reader_gone

EXAMPLES = """examples:
  fss recipe ls                      what can be run
  fss run math-r16 --dry-run         what a run would do: stages, samples, steps, the first prompt
  fss run math-r16                   one budget, end to end
  fss run math                       the whole ladder and its law
  fss release math                   publish its corpora as a versioned dataset
  fss judge answers.jsonl            anybody's responses against gold answers
  fss fit curve.csv --x r --y error --seed seed --fit-max 16 --predict 32 64
"""
TEACHER_EXAMPLE = """fss teacher serve math --profile paper
  fss teacher serve math --profile paper -- fss sample math --profile paper      stops when the command ends"""
SAMPLE_EXAMPLE = """fss sample math --profile paper --dry-run      requests, tokens and price before anything is spent
  fss sample math --profile paper --retry-errors     asks again for what a server failed to answer"""
RELEASE_EXAMPLE = """fss release math-r16 --dry-run                what would be pushed, and under which tag
  fss release math --repo org/name --private   at the Hub of your account; without one, at the embedded Hub
  fss release math --students                  also the base and every student that is scored"""
SPACE_EXAMPLE = """fss space bundle build/space
  fss space push org/name --data org/fss-math-results@v1.0.0"""
HUB_EXAMPLE = """fss hub serve --port 5577
  fss hub serve -- python train.py     with an environment that points there; stops when the command ends"""
PULL_EXAMPLE = """fss pull org/fss-math@v1.0.0 --dry-run      what would be fetched and written
  fss pull org/fss-math@v1.0.0                then add a budget to recipes/fss-math.yaml
  fss run fss-math-r32                        samples only what is new, with the same teacher"""
CHECK_EXAMPLE = """fss check workspace/runs/math/release
  fss check org/name@v1.0.0"""
JUDGE_EXAMPLE = r"""fss judge answers.jsonl --gold answer --response output --output judged.jsonl
  fss judge gsm8k.csv --gold-pattern '####\s*(.+)' --pattern '####\s*(.+)'
  fss judge pairs.parquet --kind numeric --tolerance .02 --label correct"""
FIT_EXAMPLE = "fss fit curve.csv --x r --y error --seed seed --fit-max 16 --predict 32 64 --plot law.png"
COMPARE_EXAMPLE = """fss compare curves.parquet --rule expansion --where experiment=se-math --plot se.png
  fss compare curves.parquet --rule law --fit-max 16 --held-out 32 --set law_miss=0.02"""
PLAN_EXAMPLE = "fss plan curves.parquet --n n --where arm=FSS --price question=1 response=0.02 --spend 500"
# The extra that brings what a verb needs; the law needs nothing but pyarrow, and that for Parquet files only.
EXTRAS = dict.fromkeys(("fit", "plan", "compare", "hub", "space"), "hub") | {"teacher": "serve"}
AddVerb = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 for an error that is explained in one message, 130 when interrupted.

    141, without a word, when nobody reads its output any more.
    """
    open_streams()
    try:
        with flushed():
            return _main(list(sys.argv[1:] if arguments is None else arguments))
    except OSError as error:  # of the output itself
        print(f"fss: error: {_explained(error)}", file=sys.stderr)
        return 1


def _main(given: list[str]) -> int:
    parser = _parser()
    cut = given.index("--") if "--" in given else len(given)
    args = parser.parse_args(given[:cut], argparse.Namespace(command=given[cut + 1 :]))
    if args.command and args.verb not in (verbs.teacher, verbs.hub):
        parser.error("only `fss teacher serve RUN -- COMMAND` and `fss hub serve -- COMMAND` take a command")
    _calm_libraries()
    try:
        code: int = args.verb(args)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if args.traceback or not _is_optional(error):
            raise
        print(f"fss: error: {_how_to_install(args.called, error)}", file=sys.stderr)
        return 1
    except Exception as error:  # libraries have errors of their own for a full disk
        if args.traceback or not (_disk_full(error) or isinstance(error, ValueError | RuntimeError | OSError)):
            raise
        if isinstance(error, BrokenPipeError) and (reader_gone(sys.stdout) or reader_gone(sys.stderr)):
            return READER_GONE
        print(f"fss: error: {redacted(_explained(error))}", file=sys.stderr)
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
    parsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(
        name: str, function: Callable[[argparse.Namespace], int], text: str, example: str
    ) -> argparse.ArgumentParser:
        added = parsers.add_parser(
            name,
            parents=[common],
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(verb=function, called=name)
        return added

    _add_run_verbs(verb)
    _add_hub_verbs(verb)
    _add_law_verbs(verb)
    return parser


def _add_run_verbs(verb: AddVerb) -> None:
    run = verb("run", verbs.run, "all stages of a recipe, skipping what is done", "fss run math-r16 --dry-run")
    _add_run_arguments(run)
    sample = verb("sample", verbs.sample, "sample a recipe's responses, and no more", SAMPLE_EXAMPLE)
    _add_run_arguments(sample)
    teacher = verb("teacher", verbs.teacher, "start the server of a recipe's teacher, until Ctrl-C", TEACHER_EXAMPLE)
    teacher.add_argument("action", choices=("serve",))
    _add_selection(teacher)


def _add_hub_verbs(verb: AddVerb) -> None:
    release = verb("release", verbs.release, "publish a recipe's release as a versioned dataset", RELEASE_EXAMPLE)
    _add_selection(release)
    release.add_argument("--repo", metavar="ORG/NAME", help="the dataset (default: the recipe's)")
    release.add_argument("--version", metavar="vX.Y.Z", help="its tag (default: the recipe's, or the next free one)")
    kind = release.add_mutually_exclusive_group()
    kind.add_argument("--students", action="store_true", help="the base and the students of the run, too")
    kind.add_argument("--merged", action="store_true", help="as --students, each adapter merged into the base")
    release.add_argument("--private", action="store_true", help="a new repo that only its owner sees")
    hub = verb(
        "hub", verbs.hub, "serve the embedded Hub of a workspace, until Ctrl-C or while a command runs", HUB_EXAMPLE
    )
    hub.add_argument("action", choices=("serve",))
    _add_workspace(hub)
    hub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    hub.add_argument("--port", type=int, default=5577, help="0 takes any free one (default: 5577)")
    space = verb("space", verbs.space, "the Space of the law: as a folder of its own, or to a Hub", SPACE_EXAMPLE)
    space.add_argument("action", choices=("bundle", "push"))
    space.add_argument("place", metavar="DIR|ORG/NAME", help="bundle: the folder to fill; push: the Space")
    _add_space_arguments(space)
    pull = verb("pull", verbs.pull, "restore a workspace from a release, to continue its source", PULL_EXAMPLE)
    pull.add_argument("release", metavar="RELEASE", help="org/name@v1.0.0, or org/name for its last version")
    pull.add_argument("--as", dest="name", metavar="NAME", help="of the recipe (default: the repo's name)")
    _add_workspace(pull)
    pull.add_argument("--dry-run", action="store_true", help="say what would be fetched and written, and write nothing")
    check = verb("check", verbs.check, "re-verify a release, here or at a Hub", CHECK_EXAMPLE)
    check.add_argument("release", metavar="RELEASE", help="a folder, or org/name@v1.0.0")
    _add_workspace(check)
    _add_jobs(check)


def _add_law_verbs(verb: AddVerb) -> None:
    judge = verb("judge", judge_command, "judge anybody's answers against gold ones", JUDGE_EXAMPLE)
    add_judge_arguments(judge)
    fit = verb("fit", fit_command, "fit the law to a table of errors", FIT_EXAMPLE)
    add_fit_arguments(fit)
    compare = verb("compare", compare_command, "a verdict on results by rules fixed beforehand", COMPARE_EXAMPLE)
    add_compare_arguments(compare)
    claims = verb("claims", verbs.claims, "the paper's claims and what the runs here found, as a table", "fss claims")
    _add_workspace(claims)
    plan = verb("plan", plan_command, "more questions or more answers, for a price list", PLAN_EXAMPLE)
    add_plan_arguments(plan)
    recipe = verb("recipe", verbs.recipe, "list, show or copy recipes", "fss recipe cp math my-math")
    recipe.add_argument("action", choices=("ls", "show", "cp"))
    recipe.add_argument("names", metavar="NAME", nargs="*", help="show: a recipe; cp: a recipe and the new name")


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    parser.add_argument(
        "--max-cost",
        type=_cost,
        metavar="COST",
        help="stop sampling before it costs more, by the recipe's prices; what was sampled is kept",
    )
    parser.add_argument(
        "--retry-errors", action="store_true", help="ask again for responses that an earlier run recorded as errors"
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", metavar="RUN", help="<recipe>, <recipe>-r<budget>, <recipe>-r<budget>-s<replicate>, or a recipe file"
    )
    parser.add_argument("--profile", default="nano", help="scale of the experiment (default: nano, embedded)")
    _add_workspace(parser)
    _add_jobs(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would happen and make nothing")


def _add_space_arguments(parser: argparse.ArgumentParser) -> None:
    what = "results that it offers beside its example, each at a revision"
    parser.add_argument("--data", metavar="ORG/NAME-results@REVISION", nargs="+", default=[], help=what)
    parser.add_argument("--models", metavar="ORG/NAME", nargs="+", default=[], help="model repos that its card names")
    _add_workspace(parser)
    parser.add_argument("--private", action="store_true", help="push: a new Space that only its owner sees")
    parser.add_argument("--dry-run", action="store_true", help="push: print what would happen and make nothing")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=positive, default=cores(), help="worker processes, one core each (default: all cores)"
    )


def _add_workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workspace",
        type=_place,
        default=os.environ.get("FSS_WORKSPACE") or "workspace",
        help="where artifacts lie (default: $FSS_WORKSPACE or ./workspace)",
    )


def _place(text: str) -> Path:
    path = Path(text)
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:  # Arrow and the tokenizers take UTF-8 only
        raise argparse.ArgumentTypeError(
            f"{os.fsencode(text)!r} is no UTF-8 here; set LC_ALL=C.UTF-8 or name another"
        ) from error
    return path


def _cost(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, not {text}")
    return value


def _calm_libraries() -> None:
    """Before anything heavy is imported, here and in the workers that inherit it."""
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # a log is for lines
    for name, value in {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        # Else glibc gives the memory of a training step back and takes it anew, a twentieth of a small model's time.
        "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
        "MALLOC_TOP_PAD_": str(64 * 2**20),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        # Workers that are stopped cannot tell the tracker so; it frees what they held all the same.
        "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",
    }.items():
        os.environ.setdefault(name, value)


def _is_optional(error: ModuleNotFoundError) -> bool:
    return error.name is not None and error.name.partition(".")[0] != "toolkit"


def _how_to_install(verb: str, error: ModuleNotFoundError) -> str:
    extra = EXTRAS.get(verb, "run")
    return f"`fss {verb}` needs {error.name}, which is not installed here: pip install 'fss-toolkit[{extra}]'"


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


if __name__ == "__main__":
    sys.exit(main())
