"""Final losses of rules on small tasks, beside those of Adam with its best learning rate.

python -m experiments.general_default.final_losses --rule='mixture()' --rule=rnnprop-general \
    --rule='mixture-general(min_log_rate=-12)'

A quick look while a rule is being designed or meta-trained: each number is the mean over
optimizees of the log of the loss over the last tenth of a run, minus tuned Adam's. Adam's
rate is the best of half-decades from 1 to 1e-4 on the same optimizees, which favours Adam. The
tasks are for choosing, none is for reporting. In the last five few rows can be learned by heart.
"""

import numpy as np
import tensorflow as tf
from absl import app, flags

from l2l_tf import presets, rules, tasks
from l2l_tf.meta.validation import run_losses, validation_run
from l2l_tf.tasks import as_seed

FLAGS = flags.FLAGS
TASKS = (
    ("mnist_mlp", 100),
    ("mnist_mlp", 1000),
    ("image_mlp(dataset=mnist,batch_size=32)", 300),
    ("image_mlp(dataset=cifar10,layers=4,hidden=20,batch_size=32)", 1000),
    (
        "image_mlp(dataset=fashion_mnist,layers=2,activation=tanh,hidden=24,batch_size=32,"
        "objective=mse)",
        300,
    ),
    ("image_mlp(dataset=fashion_mnist,layers=2,activation=gelu,batch_size=16)", 2000),
    ("image_attention(dataset=fashion_mnist)", 200),
    ("image_patches(dataset=cifar10)", 300),
    ("conditioned_quadratic(dimension=20,condition=1000)", 200),
    ("image_mlp(dataset=mnist,layers=2,hidden=32,batch_size=32,rows=300)", 1000),
    (
        "image_mlp(dataset=fashion_mnist,layers=6,activation=tanh,hidden=24,batch_size=64,"
        "rows=1000)",
        1000,
    ),
    (
        "image_mlp(dataset=cifar10,layers=2,hidden=48,activation=gelu,batch_size=32,rows=500)",
        1000,
    ),
    ("image_mlp(dataset=mnist,hidden=32,activation=tanh,batch_size=1,rows=130)", 1000),
    (
        "image_mlp(dataset=fashion_mnist,layers=2,hidden=24,batch_size=32,unit_spread=1,rows=800)",
        1000,
    ),
)
RATES = [10.0 ** (-half / 2) for half in range(9)]
OPTIMIZEES, SEED = 4, 777

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "rule",
        ["mixture()"],
        "Rule, untrained, or preset, also under other settings: 'preset(argument=value)'; "
        "repeatable.",
    )
    flags.DEFINE_multi_string("task", [], "Only the tasks whose text contains this; repeatable.")
    flags.DEFINE_bool("known_horizon", True, "Whether the rules know the length of the run.")


def final_log_loss(losses):
    """Mean over optimizees of the log of the loss over the last tenth of `[steps, count]` losses.

    A loss that is not finite counts as ten times the first.
    """
    last = losses[-max(5, len(losses) // 10) :].mean(axis=0)
    last = np.where(np.isfinite(last), last, 10.0 * losses[0])
    return float(np.log(last + 1e-8).mean())


def runner(rule, text, steps, known_horizon=True):
    """A compiled function from nothing, or from a learning rate for `adam`, to losses."""
    task = tasks.get(text)

    @tf.function(autograph=False)
    def run(rate=None):
        at_rate = rule if rate is None else rule.at_learning_rate(rate)[0]
        drawn = validation_run(at_rate, task, as_seed(SEED), OPTIMIZEES, steps)
        return run_losses(at_rate, task, *drawn, steps, known_horizon)

    return run


def best_adam(text, steps):
    """`(final log loss, rate)` of Adam's best rate."""
    run = runner(rules.get("adam"), text, steps)
    finals = [final_log_loss(run(tf.constant(rate)).numpy()) for rate in RATES]
    return min(zip(finals, RATES, strict=True))


def main(argv):
    del argv
    named = [(text, presets.resolve(text, untrained=True).rule) for text in FLAGS.rule]
    print("task @ steps | Adam's best rate | " + " | ".join(text for text, _ in named))
    columns = []
    for text, steps in TASKS:
        if FLAGS.task and not any(part in text for part in FLAGS.task):
            continue
        adam, rate = best_adam(text, steps)
        row = [
            final_log_loss(runner(rule, text, steps, FLAGS.known_horizon)().numpy()) - adam
            for _, rule in named
        ]
        columns.append(row)
        print(
            f"{text} @ {steps} | {rate:.2g} | " + " | ".join(f"{v:+.2f}" for v in row), flush=True
        )
    print("mean | | " + " | ".join(f"{v:+.3f}" for v in np.mean(columns, axis=0)))


if __name__ == "__main__":
    app.run(main)
