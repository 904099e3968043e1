"""What every stage is handed: the run, the workspace, the workers and the screen."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

from toolkit.progress import Progress, Stage
from toolkit.recipe.load import Run
from toolkit.recipe.sections import Recipe
from toolkit.workers import Tick, Workers
from toolkit.workspace import Artifact, Workspace

Item = TypeVar("Item")
Result = TypeVar("Result")


class StageError(RuntimeError):
    """A stage that cannot go on; the message names what is wrong and the mend."""


@dataclasses.dataclass
class Context:
    """One run of the chain.

    Attributes:
        max_cost: the most that sampling may cost now, in the currency of the recipe's prices.
        costs: what was spent on it, by whichever part of the run.
        failed: the students that came to nothing, by name, each with the reason; the others go on.
        whole: the experiment that a run of one pair and one replicate is a part of; None for a run of its own.
        retry_errors: whether responses that are recorded as errors are asked for again.
    """

    run: Run
    workspace: Workspace
    workers: Workers
    progress: Progress
    max_cost: float | None = None
    costs: list[float] = dataclasses.field(default_factory=list)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    whole: Run | None = None
    retry_errors: bool = False

    @property
    def recipe(self) -> Recipe:
        """Give the run's recipe."""
        return self.run.recipe

    @property
    def money_left(self) -> float | None:
        """Give what sampling may still cost; None without a limit."""
        return None if self.max_cost is None else max(0.0, self.max_cost - sum(self.costs))

    def with_recipe(self, recipe: Recipe) -> "Context":
        """Give the context another recipe; what it spends counts for both."""
        return dataclasses.replace(self, run=dataclasses.replace(self.run, recipe=recipe))

    def part(self, run: Run) -> "Context":
        """Give the context of one of this run's single ones."""
        return dataclasses.replace(self, run=run, whole=self.run)

    def build(self, stage: Stage, kind: str, inputs: Any, make: Callable[[Path], Mapping[str, Any]]) -> Artifact:
        """Give the artifact of `kind` from `inputs`, found or made."""
        artifact, cached = self.workspace.build(kind, inputs, make)
        stage.count(cached)
        return artifact

    def work(self, stage: Stage, task: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function(*args, tick)` in a worker process, its progress on the stage's bar."""
        tick: Tick = lambda done, total: stage.tick(task, done, total)  # noqa: E731
        return self.workers.call(task, tick, function, *args)

    def fail(self, name: str, error: Exception) -> None:
        """Note and say that a student came to nothing; the run goes on, and ends as a failed one."""
        self.failed[name] = str(error)
        self.progress.say(f"FAILED, and the run goes on: {name}: {error}")

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Call `function` on every item, as many at once as there are workers.

        A failure is raised at once: what has not begun never will, and the end of the run stops the workers.
        """
        pool = ThreadPoolExecutor(self.workers.jobs)
        futures = [pool.submit(function, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
        pool.shutdown(wait=False, cancel_futures=True)
        failed = [future for future in futures if future.done() and not future.cancelled() and future.exception()]
        return [future.result() for future in failed or futures]
