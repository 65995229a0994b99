"""Steps with an optimizer, with Adam and without one, in turn."""

from collections.abc import Callable
from typing import Any

import keras

from l2l_tf.core.timing import interleaved
from l2l_tf.evaluation.cost.report import CostReport
from l2l_tf.evaluation.cost.train_step import TrainStep
from l2l_tf.optimizer import LearnedOptimizer

# What a round of steps takes at least.
_SECONDS_OF_A_ROUND = 0.1


def measured(
    objective: Callable,
    start: tuple[list[str], list, list],
    batch: Any,
    optimizer: keras.optimizers.Optimizer,
    repeats: int = 7,
    jit_compile: bool = False,
) -> CostReport:
    """The `CostReport` of whatever can be differentiated, such as a `Task`'s `loss`.

    Args:
        objective: See `TrainStep`.
        start: See `TrainStep`.
        batch: Nested tensors, each `[rows, …]`.
        optimizer: Keras optimizer, whose configuration is measured; it stays as it is.
        repeats: Interleaved rounds.
        jit_compile: Whether XLA compiles whole steps.
    """
    makers = {
        "forward_backward": None,
        "adam": keras.optimizers.Adam,
        "optimizer": lambda: _fresh(optimizer, model_jit_compile=jit_compile),
    }
    steps = {n: TrainStep(objective, start, batch, m, jit_compile) for n, m in makers.items()}
    seconds = interleaved(steps, repeats, _SECONDS_OF_A_ROUND)
    alone = steps["forward_backward"]
    return CostReport(
        optimizer=_name(optimizer),
        weights=alone.weights,
        variables=len(start[0]),
        batch_size=int(keras.tree.flatten(batch)[0].shape[0]),
        jit_compile=jit_compile,
        forward_backward_flops=alone.gradient_flops(),
        adam_flops=alone.optimizer_flops(keras.optimizers.Adam),
        # Inside of a step that is compiled by itself nothing would be seen.
        optimizer_flops=alone.optimizer_flops(lambda: _fresh(optimizer, jit_compile=False)),
        adam_state_bytes=steps["adam"].state_bytes,
        optimizer_state_bytes=steps["optimizer"].state_bytes,
        **{f"{name}_milliseconds": 1e3 * seconds[name] for name in steps},
        **{f"{name}_first_seconds": step.first_seconds for name, step in steps.items()},
    )


def _fresh(optimizer, model_jit_compile=None, **changes):
    """An optimizer of the same configuration and learned weights, not built.

    Args:
        optimizer: Keras optimizer.
        model_jit_compile: What `compile` tells a `LearnedOptimizer` of the model.
        **changes: Of the configuration of a `LearnedOptimizer`.
    """
    config = optimizer.get_config()
    if not isinstance(optimizer._learning_rate, keras.Variable):
        config["learning_rate"] = optimizer._learning_rate  # As it is: it may be of any class.
    if not isinstance(optimizer, LearnedOptimizer):
        return type(optimizer).from_config(config)
    optimizer.check_weights()
    config |= {"preset": None, "rule": optimizer.rule, **changes}
    made = type(optimizer).from_config(config)
    made.model_jit_compile = model_jit_compile
    return made


def _name(optimizer):
    preset = getattr(optimizer, "preset", None)
    return f"`{preset}`" if preset else type(optimizer).__name__
