"""Bigger than 20 hidden units: quality and cost at 20, 200 and 2,000, and on ResNet-20.

python -m experiments.sizes.run

The paper's net on MNIST with more units, and ResNet-20 on CIFAR-10. What was meta-trained on 20
units trains beside tuned Adam from the same starts on the same batches: train loss at the end,
steps to tuned Adam's, and time per step, forward and backward passes included, over Adam's. Times
are of short runs of all of them in turn, so that what disturbs the machine disturbs them alike.
Writes sizes.md, sizes.csv and sizes.png. What is finished is kept in --cache_dir.
"""

import functools
import pathlib
import statistics

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from absl import app, flags

from experiments.pieces import Pieces
from experiments.tables import markdown, number, spread
from l2l_tf import data, evaluation, tasks
from l2l_tf.core.files import write_csv, write_whole
from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner
from l2l_tf.evaluation.suite.middle_models import resnet

UNITS = (20, 200, 2000)
RESNET = "resnet20"
# Name → preset and whether it knows the length.
LEARNED = {
    "lstm-mnist": ("lstm-mnist", False),
    "rnnprop-general": ("rnnprop-general", False),
    "mixture-general": ("mixture-general", True),
    "default": ("spectral-general", True),
}
COLOURS = dict(zip((*LEARNED, "adam"), ("C3", "C1", "C0", "black", "C2"), strict=True))
COLUMNS = ("net", "weights", "optimizer", "train_loss", "over_adam", "speed_up", "cost")
# Steps of a run that is timed, and how often all of them take their turn.
TIMED, ROUNDS = 4, 5

FLAGS = flags.FLAGS
if __name__ == "__main__":
    flags.DEFINE_list("nets", [*map(str, UNITS), RESNET], "Numbers of units, or resnet20.")
    flags.DEFINE_integer("steps", 100, "Steps of the dense nets' runs.", 1)
    flags.DEFINE_integer("resnet_steps", 100, "Steps of ResNet-20's runs.", 1)
    flags.DEFINE_integer("batch_size", 32, "Rows of ResNet-20's batches.", 1)
    flags.DEFINE_integer("seeds", 3, "Seeds that are reported of the dense nets.", 1)
    flags.DEFINE_integer("resnet_seeds", 3, "Those of ResNet-20.", 1)
    flags.DEFINE_integer("report_rows", 2048, "Train rows that losses are of, the first ones.", 1)
    flags.DEFINE_integer("resnet_report_rows", 512, "Those of ResNet-20's losses.", 1)
    flags.DEFINE_integer("records", 20, "Losses along a run.", 1)
    flags.DEFINE_integer("resnet_records", 10, "Those of ResNet-20's runs.", 1)
    flags.DEFINE_string("cache_dir", "runs/sizes", "Directory of what is finished.")
    flags.DEFINE_string("output_dir", "experiments/sizes/results", "For the report.")


def task_of(net, batch_size):
    """The task that a net's name stands for: units of the paper's net on MNIST, or ResNet-20.

    Raises:
        ValueError: If it stands for nothing.
    """
    if net == RESNET:
        return _resnet(batch_size)
    if not net.isdigit() or int(net) < 1:
        raise ValueError(f"A net is a number of units, or {RESNET}. Received: {net!r}")
    return tasks.get(f"mnist_mlp(hidden={net})")


def _resnet(batch_size):
    pipelines = {}
    for split, rows in {"train": "train[:20000]", "test": "test[:2048]"}.items():
        pixels, labels = data.load("cifar10", rows)
        pixels = pixels.astype("float32") / 127.5 - 1.0
        pipelines[split] = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(
            batch_size, drop_remainder=True
        )
    build = functools.partial(resnet, (32, 32, 3), [16, 32, 64], 3, 10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return tasks.KerasModel(build, loss, pipelines, name=RESNET)


def settings_of(net):
    """Dict of what `evaluation.Settings` has of its own for a net, by the flags."""
    own = "resnet_" if net == RESNET else ""
    names = ("steps", "seeds", "report_rows", "records")
    return {name: FLAGS[f"{own}{name}"].value for name in names}


def contenders():
    """What was meta-trained, and tuned Adam."""
    learned = [
        evaluation.learned(preset, name, known_horizon=known)
        for name, (preset, known) in LEARNED.items()
    ]
    return [*learned, baselines.get("adam")]


def compared(task, cache_dir, **settings):
    """`Results` of what was meta-trained and of tuned Adam on a task."""
    grid = evaluation.Grid(1e-3, 1e-1, per_decade=2)
    return evaluation.evaluate(
        task, contenders(), grid=grid, grid_seeds=1, cache_dir=cache_dir, **settings
    )


def seconds_per_step(task):
    """Dict optimizer → seconds of a step, the median of short runs of all of them in turn."""
    problem = Problem(task)
    runners = {each.name: Runner(problem, each, TIMED) for each in contenders()}
    taken = {name: [] for name in runners}
    for _ in range(ROUNDS + 1):
        for name, runner in runners.items():
            (end,) = runner.run("tuning", 0, rate=1e-3, splits=())
            taken[name].append(end.seconds / TIMED)
    # The first round warms up.
    return {name: statistics.median(of[1:]) for name, of in taken.items()}


def records_of(net, weights, results, seconds):
    """A dict for each optimizer with the keys `COLUMNS`; speed-up 0: Adam's end is not reached."""
    summaries = {row.contestant.optimizer: row for row in results.summary()}
    theirs = summaries["adam"].train_loss.median
    back = {row.optimizer: row for row in results.cost()}
    found = []
    for name, row in summaries.items():
        values = (
            net,
            weights,
            name,
            row.train_loss,
            row.train_loss.median / theirs,
            back[name].speed_up or 0.0,
            seconds[name] / seconds["adam"],
        )
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def table(records):
    """Markdown of all nets, a row each, and a column for each optimizer."""
    names = [*LEARNED, "adam"]
    lines = []
    for net in dict.fromkeys(r["net"] for r in records):
        own = {r["optimizer"]: r for r in records if r["net"] == net}
        what = f"{net} ({own['adam']['weights']:,} weights)"
        lines.append([what, *(spread(own[name]["train_loss"]) for name in names)])
        for key, title in (
            ("over_adam", "over tuned Adam's"),
            ("speed_up", "Adam's steps over its own"),
            ("cost", "time per step over Adam's"),
        ):
            lines.append([title, *(number(own[name][key]) for name in names)])
    return markdown(["net", *names], lines)


def draw(records, path):
    """Losses and times over tuned Adam's by the number of weights."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, key, title in zip(
        axes,
        ("over_adam", "cost"),
        ("train loss at the end / tuned Adam's", "time per step / Adam's"),
        strict=True,
    ):
        for name, colour in COLOURS.items():
            own = [r for r in records if r["optimizer"] == name]
            dense = sorted((r["weights"], r[key]) for r in own if r["net"] != RESNET)
            if dense:
                axis.plot(*np.transpose(dense), "o-", color=colour, label=name)
            for r in own:
                if r["net"] == RESNET:
                    axis.plot(r["weights"], r[key], "*", color=colour, markersize=11)
        axis.set(xscale="log", yscale="log", xlabel="weights (star: ResNet-20)", ylabel=title)
        axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    records = []
    pieces = Pieces(FLAGS.cache_dir)
    for net in FLAGS.nets:
        task = task_of(net, FLAGS.batch_size)
        params, _ = task.init(tasks.as_seed(0))
        weights = sum(int(np.prod(p.shape)) for p in params)
        results = compared(task, FLAGS.cache_dir, **settings_of(net))
        asked = [net, FLAGS.batch_size, [c.identity for c in contenders()]]
        seconds = pieces.value("seconds", asked, functools.partial(seconds_per_step, task))
        records += records_of(net, weights, results, seconds)
        print(table(records), flush=True)
        text = (
            "# By size\n\n`python -m experiments.sizes.run`. Train loss after "
            f"{FLAGS.steps} steps of the paper's net on MNIST with so many units, and after "
            f"{FLAGS.resnet_steps} of ResNet-20 on CIFAR-10 at batches of {FLAGS.batch_size}; "
            f"medians (and ranges) over {FLAGS.seeds} seeds, of ResNet-20 over "
            f"{FLAGS.resnet_seeds}. Steps: to tuned Adam's final loss; 0: it is not reached. "
            f"Times: of all in turn.\n\n{table(records)}"
        )
        write_whole(output / "sizes.md", text)
        flat = [{**r, "train_loss": r["train_loss"].median} for r in records]
        write_csv(output / "sizes.csv", flat)
        draw(records, output / "sizes.png")


if __name__ == "__main__":
    app.run(main)
