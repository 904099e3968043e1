"""Run the `fss` command: one verb per stage. Each verb imports the heavy libraries that it needs."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from toolkit import __version__
from toolkit.commands import (
    check,
    claims,
    compare,
    fit,
    hub,
    judge,
    next,
    plan,
    pull,
    recipe,
    release,
    run,
    space,
    status,
    teacher,
)
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
# The extra to install for each verb; fitting needs only pyarrow beyond the core, and that only for Parquet files.
EXTRAS = dict.fromkeys(("fit", "plan", "next", "compare", "hub", "space"), "hub") | {"teacher": "serve"}


class Verb(NamedTuple):
    """A verb: its name, what runs it, what declares its arguments, its line of help and an example."""

    name: str
    command: Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    text: str
    example: str


VERBS = (  # as `fss --help` lists them
    Verb(
        "run", run.run_command, run.add_sampling_arguments, "run all stages of a recipe, skipping what is done",
        run.RUN_EXAMPLE,
    ),
    Verb(
        "sample", run.sample_command, run.add_sampling_arguments, "sample a recipe's responses, and no more",
        run.SAMPLE_EXAMPLE,
    ),
    Verb(
        "status", status.status_command, status.add_status_arguments,
        "what of a run is there, and what is ahead", status.EXAMPLE,
    ),
    Verb(
        "teacher", teacher.teacher_command, teacher.add_teacher_arguments,
        "start the server of a recipe's teacher, until Ctrl-C", teacher.EXAMPLE,
    ),
    Verb(
        "release", release.release_command, release.add_release_arguments,
        "publish a recipe's release as a versioned dataset", release.EXAMPLE,
    ),
    Verb(
        "hub", hub.hub_command, hub.add_hub_arguments,
        "serve the embedded Hub of a workspace, until Ctrl-C or while a command runs", hub.EXAMPLE,
    ),
    Verb(
        "space", space.space_command, space.add_space_arguments,
        "write the Space of the law to a folder, or push it to a Hub", space.EXAMPLE,
    ),
    Verb(
        "pull", pull.pull_command, pull.add_pull_arguments,
        "restore a workspace from a release, to continue its source", pull.EXAMPLE,
    ),
    Verb(
        "check", check.check_command, check.add_check_arguments, "re-verify a release, here or at a Hub",
        check.EXAMPLE,
    ),
    Verb(
        "judge", judge.judge_command, judge.add_judge_arguments, "judge anybody's answers against gold ones",
        judge.EXAMPLE,
    ),
    Verb("fit", fit.fit_command, fit.add_fit_arguments, "fit the law to a table of errors", fit.EXAMPLE),
    Verb(
        "compare", compare.compare_command, compare.add_compare_arguments,
        "give a verdict on results, by rules fixed beforehand", compare.EXAMPLE,
    ),
    Verb(
        "claims", claims.claims_command, claims.add_claims_arguments,
        "tabulate the paper's claims and what the runs here found", claims.EXAMPLE,
    ),
    Verb(
        "plan", plan.plan_command, plan.add_plan_arguments,
        "advise on more questions or more answers, by a price list", plan.EXAMPLE,
    ),
    Verb(
        "next", next.next_command, next.add_next_arguments, "advise which cells to run next, by a price list",
        next.EXAMPLE,
    ),
    Verb("recipe", recipe.recipe_command, recipe.add_recipe_arguments, "list, show or copy recipes", recipe.EXAMPLE),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    It is 0 for success, 1 after an error that is explained in one message, 130 when interrupted, and 141, silently,
    when nothing reads the output any more.
    """
    open_streams()
    try:
        with flushed():
            return _main(list(sys.argv[1:] if arguments is None else arguments))
    except OSError as error:  # of the output itself
        print(f"fss: error: {_explained(error)}", file=sys.stderr)
        return 1


def _main(words: list[str]) -> int:
    parser = _parser()
    end = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:end], argparse.Namespace(command=words[end + 1 :]))
    if args.command and args.called not in ("teacher", "hub"):
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

    for verb in VERBS:
        added = parsers.add_parser(
            verb.name,
            parents=[common],
            help=verb.text,
            description=f"{verb.text[0].upper()}{verb.text[1:]}.",
            epilog=f"example:\n  {verb.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(verb=verb.command, called=verb.name)
        verb.add_arguments(added)
    return parser


def _calm_libraries() -> None:
    """Set the libraries' environment before anything heavy is imported, here and in the workers, which inherit it."""
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # a log file should hold lines, not bars
    for name, value in {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        # Otherwise glibc returns the memory of each training step and requests it anew: 5 % of a small model's time.
        "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
        "MALLOC_TOP_PAD_": str(64 * 2**20),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        # Workers that are stopped cannot unregister from the resource tracker, which frees their resources anyway.
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
