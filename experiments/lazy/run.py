"""Learned rules that work less often: quality beside seconds, over 1,000 steps.

python -m experiments.lazy.run

Digits (64-20-10, sigmoid, batches of 128: what `lstm-digits` knows, ten times as long) and MNIST
(784-512-512-10, ReLU, batches of 128, 12,800 rows), by Keras's own `fit`, beside Adam(0.001). Of
every row: the loss on all train rows at the end, the geometric mean of the epochs' train losses,
on MNIST loss and accuracy on its test rows, and the time of the optimizer's own step, of which so
much is saved beside the rule that works at every step. Steps are timed in turn, apart from the
runs, compiled by XLA where `fit` does so by itself. Writes a table and a picture for each net.
Finished runs are kept in --pieces.
"""

import functools
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from absl import app, flags

from experiments.pieces import Pieces
from experiments.tables import markdown, number
from l2l_tf import LearnedOptimizer, data, presets, rules
from l2l_tf.core.files import write_whole
from l2l_tf.core.timing import interleaved
from l2l_tf.evaluation.contenders import identity_of
from l2l_tf.evaluation.suite.models import mlp

FLAGS = flags.FLAGS
STEPS, BATCH = 1000, 128
ADAM, EVERY_STEP = "Adam(0.001)", "at every step"
GAPS = (2, 4, 8, 16)
COLOURS = {
    "momentum": "C0o-",
    "last": "C1o-",
    "growing": "C2o-",
    "plateau": "C3o-",
    "orthogonalised": "C4o-",
}

if __name__ == "__main__":
    flags.DEFINE_list("nets", ["digits", "mnist"], "Of digits, mnist.")
    flags.DEFINE_multi_string("way", [], "Only this one, beside every step. Repeatable.")
    flags.DEFINE_integer("seeds", 3, "Runs of each, whose medians are shown.", 1)
    flags.DEFINE_integer("repeats", 15, "Rounds in which steps are timed in turn.", 1)
    flags.DEFINE_string("pieces", "runs/lazy", "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", "experiments/lazy/results", "Where tables and figures go.")


def lazy(preset, **arguments):
    """`Lazy` around a preset's rule."""
    return rules.Lazy(presets.load_preset(preset), **arguments)


def _resolved(text):
    return presets.resolve(text).rule


def ways(preset):
    """Dict of what is compared: name → function without arguments that gives a rule."""
    made = {EVERY_STEP: lambda: presets.load_preset(preset)}
    if preset == "spectral-general":
        for gap in GAPS[:3]:
            made[f"orthogonalised every {gap}"] = functools.partial(
                _resolved, f"{preset}(precondition_frequency={gap})"
            )
    for gap in GAPS:
        made[f"every {gap}, momentum"] = functools.partial(lazy, preset, every=gap)
        made[f"every {gap}, last"] = functools.partial(lazy, preset, every=gap, direction="last")
    for schedule in ("growing", "plateau"):
        made[f"up to 16, {schedule}"] = functools.partial(lazy, preset, every=16, schedule=schedule)
    return made


def chosen(preset, names):
    """Those of `ways` that were asked for, and always "at every step"; all if none was.

    Raises:
        ValueError: If there is no such way.
    """
    made = ways(preset)
    unknown = sorted(set(names) - set(made))
    if unknown:
        raise ValueError(f"Ways are {', '.join(made)}. Received: {unknown}")
    return {n: m for n, m in made.items() if not names or n in (EVERY_STEP, *names)}


PRESETS = {"digits": ("lstm-digits", "spectral-general"), "mnist": ("spectral-general",)}
# Where `fit` has the optimizer's own step compiled by XLA: on nets as large as that.
COMPILED = {"digits": False, "mnist": True}
HEADER = ["how often", "train loss at the end", "along the run", "/ at every step"]
HELD_OUT = ["held-out loss", "accuracy"]


@functools.cache
def rows(net, split="train[:12800]"):
    """`(inputs, labels)` of all train rows, or of another split of MNIST."""
    if net == "digits":
        from sklearn import datasets

        inputs, labels = datasets.load_digits(return_X_y=True)
        inputs = inputs / 16.0
    else:
        inputs, labels = data.load("mnist", split=split)
        inputs = np.asarray(inputs).reshape(len(inputs), -1)
        inputs = inputs / max(inputs.max(), 1.0)
    return inputs.astype("float32"), np.asarray(labels, "int32")


def build(net):
    """A fresh model."""
    return mlp(64, [20], 10, "sigmoid") if net == "digits" else mlp(784, [512, 512], 10)


def optimizer(way, made, jit_compile=None):
    if way == ADAM:
        return keras.optimizers.Adam(1e-3)
    return LearnedOptimizer(rule=made[way](), jit_compile=jit_compile)


def losses(net, way, made, seed):
    """What a run came to, a dict.

    Its keys are "end", the loss on all train rows at the end; "along", the geometric mean of the
    epochs' train losses; and on MNIST "held-out loss" and "accuracy", on the test rows.
    """
    inputs, labels = rows(net)
    keras.utils.set_random_seed(seed)
    model = build(net)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(way, made), loss, metrics=["accuracy"])
    epochs = STEPS // -(-len(inputs) // BATCH)
    history = model.fit(inputs, labels, batch_size=BATCH, epochs=epochs, verbose=0).history["loss"]
    end, _ = model.evaluate(inputs, labels, batch_size=1024, verbose=0)
    found = {"end": end, "along": float(np.exp(np.mean(np.log(history))))}
    if net == "mnist":
        held_out = model.evaluate(*rows(net, "test"), batch_size=1024, verbose=0)
        found |= dict(zip(HELD_OUT, held_out, strict=True))
    return found


def seconds(net, made, repeats):
    """Dict of the mean seconds that an optimizer's own step takes, over the longest gap."""
    taken = {}
    for way in (ADAM, *made):
        variables = build(net).trainable_variables
        own = optimizer(way, made, COMPILED[net])
        own.build(variables)
        gradients = [1e-2 * tf.random.stateless_normal(v.shape, [1, 2]) for v in variables]
        taken[way] = functools.partial(_steps, _step(own, variables), own, gradients)
    return {way: of / max(GAPS) for way, of in interleaved(taken, repeats).items()}


def _step(own, variables):
    return tf.function(lambda gradients: own.apply(gradients, variables), autograph=False)


def _steps(step, own, gradients):
    for _ in range(max(GAPS)):
        step(gradients)
    own.iterations.numpy()


def part(pieces, net, preset):
    """`(header, rows of a table, points)` of one net and preset."""
    made = chosen(preset, FLAGS.way)
    found = {}
    for way in (ADAM, *made):
        rule = None if way == ADAM else identity_of(made[way]())
        runs = [
            pieces.value(
                f"lazy-{net}",
                [net, way, rule, seed, STEPS],
                functools.partial(losses, net, way, made, seed),
            )
            for seed in range(FLAGS.seeds)
        ]
        figures = [figure for figure in runs[0] if figure != "seconds"]
        found[way] = {f: float(np.median([run[f] for run in runs])) for f in figures}
        print(net, preset, way, found[way], flush=True)
    cost = seconds(net, made, FLAGS.repeats)
    return *tabled(found, cost), points_of(found, cost)


def tabled(found, cost):
    """`(header, rows)` of a table.

    Args:
        found: Dict way → what `losses` gives.
        cost: Dict way → seconds of a step.
    """
    held_out = [figure for figure in HELD_OUT if figure in found[EVERY_STEP]]
    always = found[EVERY_STEP]["along"]
    table = [
        [
            way,
            number(of["end"]),
            number(of["along"]),
            f"{of['along'] / always:.3f}",
            *(number(of[figure]) for figure in held_out),
            f"{1e3 * cost[way]:.2f}",
            f"{100 * (1.0 - cost[way] / cost[EVERY_STEP]):.0f} %",
        ]
        for way, of in found.items()
    ]
    return [*HEADER, *held_out, "ms a step", "saved"], table


def points_of(found, cost):
    """Dict way → (share of the time that is saved, loss along the run / that at every step)."""
    always = found[EVERY_STEP]["along"]
    return {
        way: (1.0 - cost[way] / cost[EVERY_STEP], of["along"] / always)
        for way, of in found.items()
        if way != ADAM
    }


def draw(points, path):
    """Quality against what is saved, a panel for each preset."""
    figure, panels = plt.subplots(1, len(points), figsize=(4.2 * len(points), 4), squeeze=False)
    for panel, (title, of) in zip(panels[0], points.items(), strict=True):
        kinds = {}
        for way, point in of.items():
            kind = "orthogonalised" if "ortho" in way else way.split(", ")[-1]
            kinds.setdefault(kind, []).append(point)
        start = kinds.pop(EVERY_STEP)
        for kind, line in kinds.items():
            panel.plot(*zip(*(start + line), strict=True), COLOURS[kind], label=kind, alpha=0.8)
        panel.axhline(1.02, color="grey", lw=0.8)
        panel.axvline(0.8, color="grey", lw=0.8)
        panel.set_yscale("log")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("share of the optimizer's time that is saved")
    panels[0][0].set_ylabel("train loss along the run / at every step")
    panels[0][-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv):
    del argv
    pieces = Pieces(FLAGS.pieces)
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    for net in FLAGS.nets:
        text, points = f"# Working less often: {net}\n", {}
        for preset in PRESETS[net]:
            header, table, points[f"{net}, {preset}"] = part(pieces, net, preset)
            text += f"\n## `{preset}`\n\n{markdown(header, table)}"
            write_whole(output / f"{net}.md", text)
        draw(points, output / f"{net}.png")


if __name__ == "__main__":
    app.run(main)
