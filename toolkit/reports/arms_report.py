"""Report what a comparison of arms found: verdict and gains, what each arm took, corpora beside students.

`fss compare` and the Space show what this module computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import read_arms
from toolkit.reports.corpora import read_corpora
from toolkit.reports.folder import ResultTables
from toolkit.reports.rules.audit import audit_decision
from toolkit.reports.rules.gains import Comparison, compare_arms
from toolkit.reports.rules.markdown import as_markdown
from toolkit.reports.rules.synthesis import arms_decision
from toolkit.reports.rules.verdict import Decision
from toolkit.reports.step_costs import StepCost, ledger_table, read_step_costs
from toolkit.reports.transfer import transfer, transfer_text

TOOK = "What each arm took of its teacher by step, one corpus on average:"


@dataclass(frozen=True)
class ArmsReport:
    """Arms that are compared.

    Attributes:
        rule: `audit` or `synthesis`.
        found: every arm against the baseline.
        costs: what each arm took by step; empty where that is not known.
    """

    rule: str
    experiment: str
    found: Comparison
    rules: DecisionRules
    costs: Sequence[StepCost]

    @cached_property
    def decision(self) -> Decision:
        """Return the rule's decision; NoAnswer for an audit without metrics of corpora."""
        if self.rule == "audit":
            return audit_decision(self.experiment, self.found, self.rules)
        return arms_decision(self.rule, self.experiment, self.found, self.rules, ())

    def text(self, metric: str | None = None) -> str:
        """Write all of it as Markdown, with the arms' students beside one metric of their corpora where it is named.

        Raises:
            ValueError: for a metric that no corpus has.
        """
        blocks = [as_markdown(self.decision)]
        if self.costs:
            blocks += [TOOK, ledger_table(self.costs)]
        return "\n\n".join([*blocks, *([transfer_text(self.found, metric, self.rules)] if metric else [])])

    def with_numbers(self, metric: str | None = None) -> Decision:
        """Return the decision with the ledger and, for a metric, the points of corpora beside students."""
        more = {"transfer": transfer(self.found, metric, self.rules)} if metric else {}
        return replace(self.decision, numbers={**self.decision.numbers, "ledger": self.costs, **more})


def report_arms(
    tables: ResultTables,
    rule: str,
    settings: Mapping[str, float | str] | None = None,
    baseline: str | None = None,
    where: Mapping[str, str] | None = None,
) -> ArmsReport:
    """Compare the arms of results by the rules and with the baseline that the run recorded.

    Args:
        rule: `audit` or `synthesis`.
        settings: of the rules, instead of the recorded ones or the defaults.
        baseline: an arm, instead of the recorded one or the only plain rejection sampling.
        where: keep the rows with these values, by column.

    Raises:
        ValueError: see `toolkit.reports.arms.read_arms` and `toolkit.reports.rules.gains.compare_arms`.
    """
    recorded, fixed = tables.recorded(rule)
    rules = DecisionRules(**{**fixed, **(settings or {})})
    experiment, arms = read_arms(tables.curves, tables.items, where)
    corpora = read_corpora(tables.corpora, experiment) if tables.corpora else []
    costs = read_step_costs(tables.ledger, experiment) if tables.ledger else []
    return ArmsReport(rule, experiment, compare_arms(arms, corpora, rules, baseline or recorded), rules, costs)
