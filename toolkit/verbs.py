"""What each verb of the `fss` command does with its arguments; each imports the heavy libraries that it needs."""

import argparse
import re
import shutil
from pathlib import Path


def run(args: argparse.Namespace) -> int:
    from toolkit.pipeline.run import run
    from toolkit.pipeline.stages.publish import Incomplete
    from toolkit.recipe.load import load_run

    selected = load_run(args.run, args.profile)
    asked = {"dry": args.dry_run, "max_cost": args.max_cost, "retry_errors": args.retry_errors}
    try:
        print(run(selected, args.workspace, jobs=args.jobs, **asked))
    except Incomplete as error:
        print(error.summary)
        raise
    return 0


def sample(args: argparse.Namespace) -> int:
    from toolkit.pipeline.run import sample
    from toolkit.recipe.load import load_run

    selected = load_run(args.run, args.profile)
    asked = {"dry": args.dry_run, "max_cost": args.max_cost, "retry_errors": args.retry_errors}
    print(sample(selected, args.workspace, jobs=args.jobs, **asked))
    return 0


def teacher(args: argparse.Namespace) -> int:
    from toolkit.pipeline.run import serve_teacher
    from toolkit.recipe.load import load_run

    selected = load_run(args.run, args.profile)
    return serve_teacher(selected, args.workspace, args.command, jobs=args.jobs, dry=args.dry_run)


def release(args: argparse.Namespace) -> int:
    from toolkit.pipeline.run import release
    from toolkit.recipe.load import load_run, with_release

    selected = with_release(load_run(args.run, args.profile), repo=args.repo, version=args.version)
    options = {"jobs": args.jobs, "dry": args.dry_run, "students": args.students or args.merged, "merged": args.merged}
    print(release(selected, args.workspace, version=args.version, private=args.private, **options))
    return 0


def pull(args: argparse.Namespace) -> int:
    from toolkit.pipeline.resume import pull

    print(pull(args.release, args.workspace, name=args.name, dry=args.dry_run))
    return 0


def hub(args: argparse.Namespace) -> int:
    from toolkit.hub.endpoints import STORE, run_with_hub
    from toolkit.hub_server import serve

    if args.command:
        return run_with_hub(args.workspace, args.command)
    serve(args.workspace / STORE, args.host, args.port, say=lambda line: print(line, flush=True))
    return 0


def space(args: argparse.Namespace) -> int:
    from toolkit.hub.endpoints import STORE, is_embedded, open_hub
    from toolkit.hub.faults import without_secrets
    from toolkit.hub.space import Space, publish_space, write_bundle
    from toolkit.hub.upload import Target

    wanted = Space(args.data, args.models)
    if args.action == "bundle":
        made = write_bundle(Path(args.place), wanted)
        print(f"{args.place}: {made.version}, {len(made.files)} files; `python app.py` in it starts the Space")
        return 0
    with open_hub(args.workspace, args.place) as api:
        done = publish_space(args.place, wanted, Target(api, print, args.private, args.dry_run, (args.workspace,)))
    place = args.workspace / STORE if is_embedded(done.repo) else without_secrets(api.endpoint)
    print(f"{place}/spaces/{done.repo}, commit {done.commit[:12] or 'none yet'}")
    return 0


def check(args: argparse.Namespace) -> int:
    from toolkit.pipeline.verify import check_named

    name, checked = check_named(args.release, args.workspace, jobs=args.jobs)
    print("\n".join([f"{name}, looked at:", *(f"  {line}" for line in checked.looked_at)]))
    print("\n".join([f"wrong, {len(checked.problems)}:", *checked.problems]) if checked.problems else "all of it holds")
    return 1 if checked.problems else 0


def claims(args: argparse.Namespace) -> int:
    import json

    from toolkit.reports.rules.decide import claims_table
    from toolkit.reports.rules.verdict import CLAIMS

    files = [file for rule in CLAIMS for file in sorted(args.workspace.glob(f"runs/*/decisions/{rule}.json"))]
    if not files:
        raise ValueError(f"{args.workspace}: no run has decided anything yet; `fss run math` decides at its end")
    print(claims_table([json.loads(file.read_text(encoding="utf-8")) for file in files]))
    return 0


def recipe(args: argparse.Namespace) -> int:
    from toolkit.recipe.files import RecipeError, known_recipes, recipe_file
    from toolkit.recipe.load import load_recipe

    wanted = {"ls": 0, "show": 1, "cp": 2}[args.action]
    if len(args.names) != wanted:
        raise RecipeError(f"fss recipe {args.action} takes {wanted} name(s), not {len(args.names)}")
    if args.action == "ls":
        for name, path in sorted(known_recipes().items()):
            print(f"{name:<16} {load_recipe(path).title} [{', '.join(_profiles(path))}]")
        return 0
    source = recipe_file(args.names[0])
    if args.action == "show":
        print("\n".join(path.read_text(encoding="utf-8") for path in _profiles(source).values()), end="")
        return 0
    return _copy(source, args.names[1])


def _profiles(path: Path) -> dict[str, Path]:
    """Profile -> file of a recipe, its own file (`nano`) first."""
    overlays = sorted(path.parent.glob(f"{path.stem}.*.yaml"))
    return {"nano": path} | {overlay.stem.split(".")[1]: overlay for overlay in overlays}


def _copy(source: Path, name: str) -> int:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name, re.ASCII):
        raise ValueError(f"{name!r} cannot name a recipe; use letters, digits, '-' and '_'")
    files = {path: Path("recipes") / path.name.replace(source.stem, name, 1) for path in _profiles(source).values()}
    for target in files.values():
        if target.exists():
            raise ValueError(f"{target} is there already; choose another name")
    Path("recipes").mkdir(exist_ok=True)
    for path, target in files.items():
        shutil.copyfile(path, target)
    print(f"{', '.join(map(str, files.values()))}: edit, then run `fss run {name}`")
    return 0
