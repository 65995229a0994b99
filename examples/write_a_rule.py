"""A rule and a task of one's own: written, checked, meta-trained, and beside tuned Adam.

The rule weighs three averages of the gradient over their size; how, is learned. The task is
Rosenbrock's valley, of another steepness for every seed. Once this module is imported, both are
known by their names: `LearnedOptimizer(rule=…)`, `l2l_tf.tasks.get("rosenbrock")`. Draws
write_a_rule.png.

python examples/write_a_rule.py

In every command, from the examples' directory, with `--import`, which trains nothing by itself:

l2l-train --import=write_a_rule --rule=three_averages --task=rosenbrock --trajectory=100 \
    --output_dir=runs/three
"""

import math

import numpy as np
import tensorflow as tf
from keras import ops

import l2l_tf
from l2l_tf import evaluation, meta, rules, tasks
from l2l_tf.cells import root_mean_square
from l2l_tf.core.config import integer, number
from l2l_tf.testing import check_rule, check_task


@l2l_tf.register_rule("three_averages")
class ThreeAverages(rules.CoordinatewiseRule):
    """`−η e^b · Σ wₖ mₖ / √v`: mₖ, √v running means of ∇, ∇²; w, b learned.

    Args:
        rate: η.
        seed: Seed of the untrained weights.
    """

    rate: float = number(0.01, above=0)
    seed: int = integer(0)

    def fresh_meta_params(self, generator):
        drawn = generator.normal(1 / 3, 0.05, 3)
        return {"w": drawn.astype("float32"), "b": np.zeros((), "float32")}

    def slot_shapes(self):
        return {"means": (3,), "root": ()}

    def coordinate_update(self, gradient, state, variable, context):
        decays = ops.cast([[0.5], [0.9], [0.99]], gradient.dtype)
        means = decays * state["means"] + (1 - decays) * gradient
        root = root_mean_square(state["root"], gradient, 0.99)
        scaled = means / ops.where(root > 0, root, ops.ones_like(root))
        direction = ops.sum(self.meta_params["w"][:, None] * scaled, axis=0)
        size = self.rate * ops.exp(self.meta_params["b"])
        return -size * direction, {"means": means, "root": root}


@l2l_tf.register_task("rosenbrock")
class Rosenbrock(tasks.Task):
    """`Σ (1 − xᵢ)² + b (xᵢ₊₁ − xᵢ²)²`; b log-uniform in [1, 100] and x normal, of the seed."""

    dimension: int = integer(4, min=2)

    def init(self, seed):
        start = tf.random.stateless_normal([self.dimension], tasks.fold_in(seed, 0))
        log_b = tf.random.stateless_uniform([], tasks.fold_in(seed, 1), 0.0, math.log(100.0))
        return [start], [tf.exp(log_b)]

    def tasks_loss(self, params, model_state, batch):
        x, b = params[0], model_state[0][..., None]
        valley = (1 - x[..., :-1]) ** 2 + b * (x[..., 1:] - x[..., :-1] ** 2) ** 2
        return tf.reduce_sum(valley, axis=-1), model_state


if __name__ == "__main__":
    check_rule(ThreeAverages())
    check_task(Rosenbrock())
    print("Rule and task obey the laws.")

    trainer = meta.Trainer(
        ThreeAverages(),
        [Rosenbrock()],
        meta.TruncatedBPTT(unroll=20, num_tasks=16, log_loss=True),
        settings=meta.Settings(
            meta_learning_rate=0.05, validate_every=50, num_validation_tasks=32, clip_norm=1.0
        ),
    )
    trainer.fit(200)
    learned = trainer.best_rule()
    print({name: np.round(value, 3).tolist() for name, value in learned.meta_params.items()})

    results = evaluation.evaluate(
        Rosenbrock(),
        [evaluation.learned(learned, "three averages, meta-trained"), "adam", "momentum"],
        steps=100,
        seeds=3,
        functions=32,
        grid=evaluation.Grid(1e-3, 1.0, 2),
        grid_seeds=1,
    )
    print("Median loss after 100 steps on 32 new valleys; Adam and momentum tuned over the rates:")
    losses = {row.contestant.optimizer: row.train_loss.median for row in results.summary()}
    for name, loss in losses.items():
        print(f"  {name:30} {loss:.3g}")
    results.plot("write_a_rule.png")
