"""Bigger than 20 hidden units: quality and cost at 20, 200 and 2,000, and on ResNet-20.

python -m experiments.sizes.run

The paper's net on MNIST with more units, and ResNet-20 on CIFAR-10. What was meta-trained on 20
units trains beside tuned Adam from the same starts on the same batches: train loss at the end,
steps to tuned Adam's, and time per step, forward and backward passes included, over Adam's. Times
are of short runs of all of them in turn, so that what disturbs the machine disturbs them alike.
Writes sizes.md, sizes.csv and sizes.png; what sizes.csv has of nets and optimizers that are not
asked for stays. What is finished is kept in --cache_dir.
"""

import csv
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
from l2l_tf.evaluation.results import Spread
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
COLUMNS = (
    *("net", "weights", "optimizer", "train_loss", "over_adam", "speed_up", "cost", "about"),
    "batch_loss",
)
# Steps of a run that is timed, and how often all of them take their turn.
TIMED, ROUNDS = 4, 5

FLAGS = flags.FLAGS
if __name__ == "__main__":
    flags.DEFINE_list("nets", [*map(str, UNITS), RESNET], "Numbers of units, or resnet20.")
    flags.DEFINE_list("learned", list(LEARNED), f"Beside Adam on dense nets, of {list(LEARNED)}.")
    flags.DEFINE_list("resnet_learned", list(LEARNED), "Beside Adam on ResNet-20, of the same.")
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


def contenders(names):
    """Those of `LEARNED` that are named, and tuned Adam.

    Raises:
        ValueError: If there is no such one.
    """
    unknown = sorted(set(names) - set(LEARNED))
    if unknown:
        raise ValueError(f"Meta-trained are {', '.join(LEARNED)}. Received: {unknown}")
    learned = [
        evaluation.learned(preset, name, known_horizon=known)
        for name, (preset, known) in LEARNED.items()
        if name in names
    ]
    return [*learned, baselines.get("adam")]


def compared(task, those, cache_dir, **settings):
    """`Results` of contenders on a task."""
    grid = evaluation.Grid(1e-3, 1e-1, per_decade=2)
    return evaluation.evaluate(
        task, those, grid=grid, grid_seeds=1, cache_dir=cache_dir, **settings
    )


def seconds_per_step(task, those):
    """Dict contender → seconds of a step, the median of short runs of all of them in turn."""
    problem = Problem(task)
    runners = {each.name: Runner(problem, each, TIMED) for each in those}
    taken = {name: [] for name in runners}
    for _ in range(ROUNDS + 1):
        for name, runner in runners.items():
            (end,) = runner.run("tuning", 0, rate=1e-3, splits=())
            taken[name].append(end.seconds / TIMED)
    # The first round warms up.
    return {name: statistics.median(of[1:]) for name, of in taken.items()}


def records_of(net, weights, results, seconds, about):
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
            about,
            _on_batches(results, name) if net == RESNET else None,
        )
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def _on_batches(results, name):
    """Loss of the last batches of a run, since the record before: median over seeds.

    Batch normalisation takes their own statistics there, which moving averages lag behind.
    """
    (task,) = results.tasks
    return statistics.median(run[-1].batch_loss for run in results.runs(task, name).values())


def written(path):
    """What `write` wrote; empty if there is nothing."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        median, least, greatest = (float(row.pop(c)) for c in ("train_loss", "least", "greatest"))
        row |= {key: float(row[key]) for key in ("over_adam", "speed_up", "cost")}
        row["batch_loss"] = float(row["batch_loss"]) if row.get("batch_loss") else None
        row |= {"weights": int(row["weights"]), "train_loss": Spread(median, least, greatest)}
    return rows


def write(path, records):
    """All records as a CSV file, the losses' ranges over seeds in columns of their own."""
    rows = []
    for record in records:
        loss = record["train_loss"]
        ends = {"train_loss": loss.median, "least": loss.min, "greatest": loss.max}
        rows.append({**record, **ends})
    write_csv(path, rows)


def joined(records, new):
    """Records with new ones in place of old, by their nets: ResNet-20 last."""
    replaced = {(r["net"], r["optimizer"]) for r in new}
    kept = [r for r in records if (r["net"], r["optimizer"]) not in replaced]
    return sorted([*kept, *new], key=lambda r: (r["net"] == RESNET, r["weights"]))


def measured_so(records):
    """A line for each net and way in which optimizers were measured on it."""
    names = {}
    for record in records:
        names.setdefault((record["net"], record["about"]), []).append(record["optimizer"])
    return "".join(f"- {net}, {', '.join(of)}: {how}.\n" for (net, how), of in names.items())


def about(settings):
    """What stands below a table of nets that were trained and reported so."""
    return (
        f"{settings['steps']} steps, {settings['seeds']} seeds, losses on the first "
        f"{settings['report_rows']:,} train rows"
    )


def table(records):
    """Markdown of all nets, a row each, and a column for each optimizer."""
    names = [*LEARNED, "adam"]
    lines = []
    for net in dict.fromkeys(r["net"] for r in records):
        own = {r["optimizer"]: r for r in records if r["net"] == net}
        what = f"{net} ({own['adam']['weights']:,} weights)"
        lines.append([what, *(spread(own.get(name, {}).get("train_loss")) for name in names)])
        for key, title in (
            *([("batch_loss", "on the last batches")] if net == RESNET else []),
            ("over_adam", "over tuned Adam's"),
            ("speed_up", "Adam's steps over its own"),
            ("cost", "time per step over Adam's"),
        ):
            lines.append([title, *(number(own.get(name, {}).get(key)) for name in names)])
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
        axis.set(xscale="log", xlabel="weights (star: ResNet-20)", ylabel=title)
        axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[0].set_ylim(bottom=0)
    axes[1].set_yscale("log")
    axes[1].yaxis.set_major_formatter("{x:g}")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    pieces = Pieces(FLAGS.cache_dir)
    for net in FLAGS.nets:
        task = task_of(net, FLAGS.batch_size)
        params, _ = task.init(tasks.as_seed(0))
        weights = sum(int(np.prod(p.shape)) for p in params)
        those = contenders(FLAGS.resnet_learned if net == RESNET else FLAGS.learned)
        settings = settings_of(net)
        results = compared(task, those, FLAGS.cache_dir, **settings)
        asked = [net, FLAGS.batch_size, [c.identity for c in those]]
        measure = functools.partial(seconds_per_step, task, those)
        seconds = pieces.value("seconds", asked, measure)
        own = records_of(net, weights, results, seconds, about(settings))
        records = joined(written(output / "sizes.csv"), own)
        text = (
            "# By size\n\n`python -m experiments.sizes.run`. Train loss of the paper's net on "
            "MNIST with so many units, and of ResNet-20 on CIFAR-10 at batches of 32: medians "
            "(and ranges) over seeds. Steps: to tuned Adam's final loss; 0: it is not reached. "
            f"Times: of all in turn.\n\n{measured_so(records)}\n{table(records)}"
        )
        write_whole(output / "sizes.md", text)
        write(output / "sizes.csv", records)
        draw(records, output / "sizes.png")
        print(table(records), flush=True)


if __name__ == "__main__":
    app.run(main)
