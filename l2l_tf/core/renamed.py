"""What is called otherwise than before, or is new: saved files of an earlier time are read."""

from typing import Any

# Fields of estimators and settings, as checkpoints of meta-training have them.
FIELDS = {
    "told": "known_horizon",
    "tasks": "num_tasks",
    "meta_batch": "meta_loss_split",
    "recompute_every": "gradient_checkpointing",
    "weight_averaging": "ema_decay",
    "validation_tasks": "num_validation_tasks",
}
FLAGS = {
    "told": "known_horizon",
    "tell_steps": "known_horizon",
    "batch_size": "num_tasks",
    "meta_batch": "meta_loss_split",
    "recompute_every": "gradient_checkpointing",
    "weight_averaging": "ema_decay",
    "validation_tasks": "num_validation_tasks",
    "lowest_rate": "min_rate",
    "highest_rate": "max_rate",
}
RULES = {"per_kind": "partition"}
# Arguments of rules, by the rule's name of today.
ARGUMENTS = {
    "annealed": {"rule": "inner"},
    "centred": {"rule": "inner"},
    "mixture": {"largest_side": "max_side", "least_log_rate": "min_log_rate"},
    "rprop": {"smallest_step": "min_step", "largest_step": "max_step"},
}
# Slots that such files lack, and what they hold there: whatever a rule had, it moved.
LATER_SLOTS = {"touched": 1.0}


def upgraded_rule(description: dict[str, Any]) -> dict[str, Any]:
    """The description of a rule, and of those inside it, under the names of today.

    Args:
        description: `{"name": …, "config": {…}}` out of a preset, a `.keras` file or a checkpoint.
    """
    name = RULES.get(description["name"], description["name"])
    arguments = ARGUMENTS.get(name, {})
    config = {
        arguments.get(key, key): upgraded_rule(value) if is_rule(value) else value
        for key, value in description["config"].items()
    }
    return {"name": name, "config": config}


def is_rule(value: Any) -> bool:
    """Whether plain data is the description of a rule."""
    keys = isinstance(value, dict) and set(value) == {"name", "config"}
    return keys and isinstance(value["name"], str) and isinstance(value["config"], dict)


def upgraded_fields(config: dict[str, Any]) -> dict[str, Any]:
    """Arguments of an estimator or of settings under their names of today."""
    return {FIELDS.get(name, name): value for name, value in config.items()}
