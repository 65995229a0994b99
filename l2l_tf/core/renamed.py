"""Names of an earlier time: saved files keep them, commands are told the new ones."""

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


def upgraded_fields(config: dict[str, Any]) -> dict[str, Any]:
    """Arguments of an estimator or of settings under their names of today."""
    return {FIELDS.get(name, name): value for name, value in config.items()}
