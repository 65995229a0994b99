"""Loss against accuracy, from losses of 1 down to 1e-8: where does accuracy stop following?"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import scipy.stats
import tensorflow as tf

from experiments.tables import markdown
from l2l_tf import LearnedOptimizer, tasks
from l2l_tf.core.files import write_csv
from l2l_tf.tasks.classification import accuracy

TITLE = "Loss against accuracy"
TASK = "digits_mlp(hidden=32,activation=relu)"
RECORDS = 40
BINS = ((1e-1, 10.0), (1e-2, 1e-1), (1e-3, 1e-2), (1e-4, 1e-3), (1e-6, 1e-4), (1e-8, 1e-6))


def optimizers():
    """Dict name → function that makes an optimizer; the hand-crafted ones not tuned, but apart."""
    return {
        "Adam 0.003": lambda: keras.optimizers.Adam(3e-3),
        "Adam 0.03": lambda: keras.optimizers.Adam(3e-2),
        "momentum 0.1": lambda: keras.optimizers.SGD(0.1, 0.9),
        "RMSprop 0.003": lambda: keras.optimizers.RMSprop(3e-3),
        "rnnprop-general": lambda: LearnedOptimizer(preset="rnnprop-general"),
        "lstm-digits": lambda: LearnedOptimizer(preset="lstm-digits"),
    }


def precise_loss(scores, labels):
    """Mean cross-entropy in float64: in float32 a loss of 1e-8 is 0.

    Args:
        scores: `[rows, classes]`.
        labels: `[rows]` int.
    """
    logs = tf.nn.log_softmax(tf.cast(scores, tf.float64))
    return -float(tf.reduce_mean(tf.gather(logs, labels, batch_dims=1)))


def precise(task, params, split):
    """Loss and accuracy of a task's whole split, computed in float64."""
    rows, labels = task.full_batch(split)
    params = [tf.cast(p, tf.float64) for p in params]
    scores, _ = task.scores(params, [], tf.cast(rows, tf.float64), training=False)
    return precise_loss(scores, labels), float(accuracy(scores, labels))


def trajectory(name, seed, steps):
    """Losses and accuracies along one run, at steps in geometric progression."""
    task, optimizer = tasks.get(TASK), optimizers()[name]()
    start, _ = task.init(tasks.as_seed(seed))
    params = [keras.Variable(p) for p in start]
    optimizer.build(params)

    @tf.function(jit_compile=True, autograph=False)
    def advance(first, count):
        def body(i):
            with tf.GradientTape() as tape:
                values = [tf.convert_to_tensor(p.value) for p in params]
                batch = task.batch(tasks.as_seed(1000 + seed), first + i)
                loss, _, _ = task.loss(values, [], batch)
                loss = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(loss, [p.value for p in params]), params)
            return (i + 1,)

        tf.while_loop(lambda i: i < count, body, (tf.constant(0),))

    done, records = 0, []
    for step in np.unique(np.geomspace(1, steps, RECORDS).astype(int)):
        advance(tf.constant(done), tf.constant(int(step) - done))
        done = int(step)
        train = precise(task, [p.value for p in params], "train")
        held_out = precise(task, [p.value for p in params], "test")
        records.append([done, *train, *held_out])
    return records


def rank_correlation(a, b):
    """Spearman's ρ; NaN where one of them does not vary."""
    if np.std(a) == 0 or np.std(b) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(a, b).statistic)


def run(experiment):
    """The section as Markdown; its plot and records are written beside it."""
    plan, records = experiment.plan, []
    for name in optimizers():
        for seed in range(plan.few_seeds):
            key = [TASK, name, seed, plan.accuracy_steps]
            found = experiment.pieces.value(
                "accuracy",
                key,
                lambda n=name, s=seed: {"records": trajectory(n, s, plan.accuracy_steps)},
            )
            names = (
                "step",
                "train_loss",
                "train_accuracy",
                "held_out_loss",
                "held_out_accuracy",
            )
            records += [
                {"optimizer": name, "seed": seed, **dict(zip(names, r, strict=True))}
                for r in found["records"]
            ]
    write_csv(experiment.output / "accuracy.csv", records)
    plot(records, experiment.output / "accuracy.png")
    finite = [r for r in records if np.isfinite(r["train_loss"])]
    return "\n".join(
        [
            f"`{TASK}`, {len(optimizers())} optimizers, {plan.few_seeds} seeds, "
            f"{plan.accuracy_steps} steps, {RECORDS} records each; losses in float64. Rank "
            "correlation (Spearman) of −loss with accuracy, within a range of the train loss:\n",
            markdown(
                [
                    "train loss",
                    "records",
                    "train accuracy",
                    "held-out accuracy",
                    "held-out loss",
                    "−train loss ~ held-out accuracy",
                    "−held-out loss ~ held-out accuracy",
                ],
                [line(finite, low, high) for low, high in BINS],
            ),
            "\n![Loss against accuracy](accuracy.png)\n",
        ]
    )


def line(records, low, high):
    """Medians and correlations of the records whose train loss lies in [low, high)."""
    inside = [r for r in records if low <= r["train_loss"] < high]
    name = f"{low:g} to {high:g}"
    if len(inside) < 3:
        return [name, len(inside), *["–"] * 5]

    def values(key):
        return np.array([r[key] for r in inside])

    medians = [
        f"{np.median(values('train_accuracy')):.4f}",
        f"{np.median(values('held_out_accuracy')):.4f}",
        f"{np.median(values('held_out_loss')):.3f}",
    ]
    found = [
        rank_correlation(-values(loss), values("held_out_accuracy"))
        for loss in ("train_loss", "held_out_loss")
    ]
    return [name, len(inside), *medians, *(f"{r:.2f}" if np.isfinite(r) else "–" for r in found)]


def plot(records, path):
    """Accuracy, and held-out loss, against train loss."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name in dict.fromkeys(r["optimizer"] for r in records):
        mine = [r for r in records if r["optimizer"] == name and r["train_loss"] > 0]
        x = [r["train_loss"] for r in mine]
        axes[0].scatter(x, [r["held_out_accuracy"] for r in mine], s=12, label=name)
        axes[1].scatter(x, [r["held_out_loss"] for r in mine], s=12)
    axes[0].set_ylabel("held-out accuracy")
    axes[1].set_ylabel("held-out loss")
    axes[1].set_yscale("log")
    for axis in axes:
        axis.set_xscale("log")
        axis.invert_xaxis()
        axis.set_xlabel("train loss (falling to the right)")
        axis.set_axisbelow(True)
        axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[0].legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, dpi=120)
    plt.close(figure)
