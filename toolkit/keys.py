"""Which settings are part of keys: those of version 0.1.0 always, any other only where it differs from its default.

A setting that was renamed stays in keys under its first name, so that nothing is made again.
"""

import dataclasses
from typing import Any

# The first name of a setting -> its name today. A recipe may use the first name for one minor version more; a released
# recipe always may, since it is written with first names.
RENAMED = {"doubled": "double_steps_at", "raised": "scaled_subsets", "confirm": "confirm_budget"}
FIRST_NAMES = {today: first for first, today in RENAMED.items()}
# Never add to it: all that was made before a field existed would be made again.
FIRST = {
    "Pool": (
        "pool pool_config pool_split pool_revision question_column answer_column unit_column answer_pattern families "
        "largest_number pool_sizes pool_seed pool_order test_pool test_split test_size dev_size"
    ),
    "Teacher": (
        "teacher teacher_revision api quantize teacher_steps teacher_learning_rate teacher_width teacher_layers "
        "teacher_heads teacher_seed"
    ),
    "Serving": (
        "urls server provider server_image server_port server_options gpus shards instance concurrency timeout "
        "attempts price_prompt price_completion"
    ),
    "Base": "base base_revision base_steps base_learning_rate base_width base_layers base_heads base_seed",
    "Sampling": "temperature top_p max_tokens stop prompt sampling_seed",
    "Verification": "answer_kind response_pattern tolerance check_steps",
    "Ladder": "budgets ladder_questions counting max_draws stop_below stop_scope",
    "Student": (
        "method control steps epochs batch_size learning_rate warmup weight_decay lora_rank lora_alpha max_length"
    ),
    "Experiment": "replicates reorder teachers bases subsets raised totals controls doubled",
    "Evaluation": "eval_temperature eval_samples eval_max_tokens eval_batch_size eval_seed",
    "Law": "fit_max held_out confirm",
    "Decisions": "decide rules",
    "Release": "repo version summary license seeds_licence limits",
    "DecisionRules": (
        "level margin alpha power question_prices law_level law_refuted law_miss law_width steps_move floor_tail "
        "flat_fall flat_share control"
    ),
}


def keyed_fields(value: Any) -> dict[str, Any]:
    """Give the fields of a dataclass as keys hash them, in their order and under their first names.

    In a section of a recipe, a field that `FIRST` does not name is left out while it has its default; it must have one.
    """
    names = [field.name for field in dataclasses.fields(value)]
    fields = {FIRST_NAMES.get(name, name): getattr(value, name) for name in names}
    first = _first_fields(type(value))
    if first is None or first == fields.keys():
        return fields
    plain = type(value)(**{RENAMED.get(name, name): fields[name] for name in first})
    return {name: given for name, given in fields.items() if name in first or given != getattr(plain, name)}


def _first_fields(section: type) -> set[str] | None:
    """Give the fields that a section had in version 0.1.0, also by its base class; None for any other class."""
    named = (kind.__name__ for kind in section.__mro__ if kind.__module__.startswith("toolkit.recipe."))
    return next((set(FIRST[name].split()) for name in named if name in FIRST), None)
