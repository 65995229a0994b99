"""A rule, a task, an estimator and a baseline of one's own, for every command by `--import`.

By itself it meta-trains the rule on the task by the estimator, and puts it beside the baseline and
Adam, both tuned:

python examples/own_parts.py

The same from the terminal:

cd examples
l2l-train --import=own_parts --rule=signed --task='valley(dimension=4)' --estimator=bounded \
    --loss_bound=100 --unroll=20 --trajectory=60 --meta_steps=200 --output_dir=runs/signed
l2l-evaluate --import=own_parts --task=valley --steps=60 --contender=runs/signed/preset \
    --contender='by_hand=rule:signed(learning_rate=0.01)' --baselines=adam,adam_short \
    --output_dir=runs/signed-judged
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from l2l_tf import evaluation, meta, rules, tasks
from l2l_tf.core.config import integer, number
from l2l_tf.evaluation import baselines
from l2l_tf.meta.estimators import ESTIMATORS, TruncatedBPTT


@rules.register_rule("signed")
class Signed(rules.CoordinatewiseRule):
    """Steps of one size against the sign of averaged gradients; size and decay are learned.

    `m' = β·m + (1 − β)·∇`, update = −exp(a) · sign(m') (Bernstein et al. 2018, "signSGD", with a
    smooth sign m'/√(m'² + ε²), for derivatives by β).

    Args:
        learning_rate: Step size before meta-training.
        momentum: β before meta-training.
    """

    learning_rate: float = number(1e-3, above=0)
    momentum: float = number(0.9, above=0, below=1)

    def fresh_meta_params(self, generator):
        odds = self.momentum / (1.0 - self.momentum)
        return {
            "log_size": np.float32(np.log(self.learning_rate)),
            "decay_logit": np.float32(np.log(odds)),
        }

    def slot_shapes(self):
        return {"average": ()}

    def coordinate_update(self, gradient, state, variable, context):
        decay = ops.sigmoid(self.meta_params["decay_logit"])
        average = decay * state["average"] + (1.0 - decay) * gradient
        sign = average / ops.sqrt(ops.square(average) + 1e-12)
        return -ops.exp(self.meta_params["log_size"]) * sign, {"average": average}


@tasks.register_task("valley")
class Valley(tasks.Task):
    """Rosenbrock's valley, `Σ 100·(x_{i+1} − x_i²)² + (1 − x_i)²`, from a random start.

    Args:
        dimension: Number of coordinates.
    """

    dimension: int = integer(2, min=2)

    def init(self, seed):
        return [0.5 * tf.random.stateless_normal([self.dimension], seed)], []

    def tasks_loss(self, params, model_state, batch):
        del batch
        here, there = params[0][..., :-1], params[0][..., 1:]
        terms = 100.0 * tf.square(there - tf.square(here)) + tf.square(1.0 - here)
        return tf.reduce_sum(terms, axis=-1), model_state


@ESTIMATORS.register("bounded")
class BoundedBPTT(TruncatedBPTT):
    """Truncated BPTT in which a loss counts no more than a bound."""

    loss_bound: float = number(10.0, above=0, help="What a loss counts at most (bounded).")

    def measured(self, losses):
        return super().measured(tf.minimum(losses, self.loss_bound))


@baselines.register_baseline("adam_short")
def adam_short(rate, total_steps):
    """Adam with a short memory of squares."""
    del total_steps
    return keras.optimizers.Adam(rate, beta_2=0.9)


if __name__ == "__main__":
    trainer = meta.Trainer(
        "signed",
        ["valley(dimension=4)"],
        "bounded(loss_bound=100.0,unroll=20,num_tasks=8,log_loss=True)",
        trajectories=(60,),
        validate_every=50,
        num_validation_tasks=16,
        meta_learning_rate=0.03,
    )
    trainer.fit(200)

    results = evaluation.evaluate(
        "valley(dimension=4)",
        [evaluation.learned(trainer.best_rule(), "signed, meta-trained"), "adam", "adam_short"],
        steps=60,
        seeds=3,
        functions=16,
        grid=evaluation.Grid(1e-2, 1.0, 2),
        grid_seeds=1,
    )
    print("Median loss after 60 steps in 16 new valleys, both kinds of Adam tuned over the rates:")
    losses = {row.contestant.optimizer: row.train_loss.median for row in results.summary()}
    for name, loss in losses.items():
        print(f"  {name:22} {loss:.3g}")
