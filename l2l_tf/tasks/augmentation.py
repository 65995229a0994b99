"""Augmentations: tasks seen through another parameterisation."""

from typing import Any

import tensorflow as tf

from l2l_tf.core.config import choice, instance, number
from l2l_tf.tasks.base import Metrics, Task, Tensors, fold_in

LEVELS = ("coordinate", "tensor", "global")


class RandomScaling(Task):
    """A task whose parameters are rescaled: `f'(x) = f(c ⊙ x)`, x starting at `x₀ / c`.

    Each factor is `c = e^u` with u uniform in (−spread, spread). "Random scaling" of
    Lv et al. (2017), reparameterisation of Metz et al. (2022).

    Args:
        task: The `Task` inside.
        spread: Largest |log c|; 3 in Lv et al.
        level: "coordinate" (a factor for every coordinate), "tensor" (one for each
            parameter tensor) or "global" (one for all).
        share: Share of the optimizees that are rescaled; the others stay as they are.

    Raises:
        ValueError: If `level` is unknown or `spread` not in [0, 80), or `task` is no task.
    """

    task: Task = instance(Task)
    spread: float = number(
        3.0, min=0, below=80, flag="random_scaling", help="Largest |log c| of a factor c."
    )  # e^80 is near the end of float32.
    level: str = choice(
        "coordinate",
        LEVELS,
        flag="scaling_level",
        help="What shares a factor.",
        when={"random_scaling": bool},
    )
    share: float = number(
        1.0,
        min=0,
        max=1,
        flag="scaling_share",
        help="Share of optimizees that are rescaled.",
        when={"random_scaling": bool},
    )

    @property
    def in_graph(self) -> bool:
        return self.task.in_graph

    @property
    def jit_compile(self) -> bool:
        return self.task.jit_compile

    @property
    def variable_paths(self) -> list[str] | None:
        return self.task.variable_paths

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        params, model_state = self.task.init(seed)
        chosen = tf.random.stateless_uniform([], fold_in(seed, 130363)) < self.share
        spread = tf.where(chosen, tf.cast(self.spread, tf.float32), 0.0)
        scales = []
        for index, param in enumerate(params):
            number = 0 if self.level == "global" else index
            shape = param.shape if self.level == "coordinate" else []
            log = tf.random.stateless_uniform(
                shape, fold_in(fold_in(seed, 104729), number), -spread, spread
            )
            scales.append(tf.broadcast_to(tf.exp(log), param.shape))
        params = [p / c for p, c in zip(params, scales, strict=True)]
        return params, [*scales, *model_state]

    def _unscale(self, params, model_state):
        count = len(params)
        scales, inner = model_state[:count], model_state[count:]
        return [p * c for p, c in zip(params, scales, strict=True)], scales, inner

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        params, scales, inner = self._unscale(params, model_state)
        loss, inner, metrics = self.task.loss(params, inner, batch)
        return loss, [*scales, *inner], metrics

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        params, scales, inner = self._unscale(params, model_state)
        losses, inner = self.task.tasks_loss(params, inner, batch)
        return losses, [*scales, *inner]

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        params, _, inner = self._unscale(params, model_state)
        return self.task.evaluate(params, inner, batch)

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        return self.task.batch(seed, step, split)

    def full_batch(self, split: str = "test") -> Any:
        return self.task.full_batch(split)
