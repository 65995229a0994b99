"""What the default costs beside Adam, and when that pays back in seconds.

python -m experiments.cost.run

- Nets: `cost_report` of a 784-512-512-10 net and of a small conv net, by the size of the batch,
  and once compiled by XLA as a whole.
- Suite: a step on each net of the middle suite's report half, which nothing was chosen on, with
  its own loss, as the suite runs it; beside it the speed-up in steps over tuned Adam that
  `results/suite-middle/tasks.csv` tells, and what follows for seconds.
- Runs: both nets trained on MNIST, tuned Adam beside the default, by what `l2l-evaluate` does.

Writes `cost.md` and the records that it is made of. Steps of a net are taken in turn, so that what
disturbs the machine disturbs all of them: ratios can be relied on, milliseconds are this machine's.
"""

import csv
import dataclasses
import math
import pathlib

import keras
import tensorflow as tf
from absl import app, flags

from experiments.tables import markdown
from l2l_tf import LearnedOptimizer, cost_report, data, evaluation, tasks
from l2l_tf.core.files import write_csv, write_whole
from l2l_tf.evaluation import cost, suite, tables

HERE = pathlib.Path(__file__).parent
SUITE = HERE.parents[1] / "results" / "suite-middle" / "tasks.csv"
PARTS = ("nets", "suite", "runs")
# Rows of a batch, and whether XLA compiles whole steps; Keras does so by itself on no CPU.
SETTINGS = ((32, False), (128, False), (512, False), (128, True))
ROWS = 10_000

FLAGS = flags.FLAGS
if __name__ == "__main__":
    flags.DEFINE_string("output_dir", str(HERE / "results"), "Directory of what is written.")
    flags.DEFINE_string("cache_dir", "runs/cost", "Directory of finished runs.")
    flags.DEFINE_integer("repeats", 7, "Interleaved rounds.", 1)
    flags.DEFINE_integer("steps", 300, "Steps of a run.", 1)
    flags.DEFINE_multi_enum("part", list(PARTS), PARTS, "What is measured anew. Repeatable.")


def mlp():
    """784-512-512-10, ReLU, the first example of Keras."""
    layers = keras.layers
    hidden = [layers.Dense(512, "relu") for _ in range(2)]
    return keras.Sequential([layers.Input((784,)), *hidden, layers.Dense(10)], name="mlp")


def conv_net():
    """Three convolutions of 3 × 3 and a dense layer on 28 × 28 pixels."""
    layers = keras.layers
    convolutions = [
        layer
        for filters in (16, 32, 64)
        for layer in (layers.Conv2D(filters, 3, padding="same", activation="relu"),
                      layers.MaxPooling2D())
    ]  # fmt: skip
    return keras.Sequential(
        [
            layers.Input((784,)),
            layers.Reshape((28, 28, 1)),
            *convolutions,
            layers.Flatten(),
            layers.Dense(10),
        ],
        name="conv_net",
    )


NETS = {"784-512-512-10": mlp, "conv net": conv_net}


def nets(repeats):
    """Dicts of `CostReport`s of both nets, with `net` at all `SETTINGS`."""
    found = []
    for name, build in NETS.items():
        for size, jit in SETTINGS:
            report = cost_report(build(), batch_size=size, repeats=repeats, jit_compile=jit)
            print(f"\n{name}: {report}", flush=True)
            found.append({"net": name, **dataclasses.asdict(report)})
    return found


def on_the_suite(repeats):
    """The same of every net of the middle suite's report half."""
    found = []
    for entry in suite.entries("report", (), "middle"):
        task = entry.make()
        seed = tasks.as_seed(0)
        report = cost.measured(
            lambda params, state, batch, task=task: _objective(task, params, state, batch),
            (task.variable_paths, *task.init(seed)),
            task.batch(seed, 0),
            LearnedOptimizer(total_steps=entry.steps),
            repeats,
            entry.jit_compile,
        )
        print(f"\n{entry.name}: {report}", flush=True)
        found.append({"net": entry.name, "steps": entry.steps, **dataclasses.asdict(report)})
    return found


def _objective(task, params, model_state, batch):
    loss, model_state, _ = task.loss(params, model_state, batch)
    return loss, loss, model_state


def runs(steps, cache):
    """`Results` of both nets on MNIST: tuned Adam and the default, which knows the length."""
    return evaluation.evaluate(
        [_task(name, build) for name, build in NETS.items()],
        [evaluation.learned("spectral-general", known_horizon=True), "adam"],
        steps=steps,
        seeds=3,
        grid=evaluation.Grid(3e-4, 1e-2, per_decade=2),
        grid_seeds=1,
        report_rows=2048,
        cache_dir=cache,
    )


def _task(name, build):
    splits = {"train": f"train[:{ROWS}]", "test": "test"}
    pipelines = {}
    for split, rows in splits.items():
        pixels, labels = data.load("mnist", rows)
        pixels = pixels.reshape(len(pixels), -1).astype("float32") / 255
        rows = tf.data.Dataset.from_tensor_slices((pixels, labels))
        pipelines[split] = rows.batch(128, drop_remainder=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return tasks.KerasModel(build, loss, pipelines, name=name)


def nets_table(rows):
    """A row for each net, batch and way to compile."""
    header = [
        "net", "weights", "batch", "XLA", "forward + backward, ms", "with Adam, ms",
        "with the default, ms", "break-even", "first step, s (Adam's)",
        "FLOP per weight: forward + backward", "Adam", "the default",
        "bytes of state per weight (Adam's)",
    ]  # fmt: skip
    lines = []
    for row in map(_numbers, rows):
        weights = row["weights"]
        lines.append(
            [
                row["net"],
                f"{weights:,.0f}",
                f"{row['batch_size']:.0f}",
                "yes" if row["jit_compile"] else "no",
                *(f"{row[f'{n}_milliseconds']:.3g}" for n in ("forward_backward", "adam")),
                f"{row['optimizer_milliseconds']:.3g}",
                f"{row['optimizer_milliseconds'] / row['adam_milliseconds']:.2f}",
                f"{row['optimizer_first_seconds']:.1f} ({row['adam_first_seconds']:.1f})",
                f"{row['forward_backward_flops'] / weights:.0f}",
                f"{row['adam_flops'] / weights:.0f}",
                f"{row['optimizer_flops'] / weights:.0f}",
                f"{row['optimizer_state_bytes'] / weights:.3g} "
                f"({row['adam_state_bytes'] / weights:.3g})",
            ]
        )
    return markdown(header, lines)


def suite_table(rows):
    """`(table, sentence)`: break-even beside the speed-up in steps, task by task."""
    with open(SUITE, newline="") as file:
        speed_ups = {
            row["task"]: float(row["speed_up"])
            for row in csv.DictReader(file)
            if row["optimizer"] == "default"
        }
    header = [
        "task", "weights", "forward + backward / Adam's step", "break-even", "speed-up in steps",
        "in seconds", "Adam's run, s", "quicker from a run of Adam of, s",
    ]  # fmt: skip
    lines, quicker, counted = [], 0, 0
    for row in map(_numbers, rows):
        name, steps = row.pop("net"), row.pop("steps")
        report = evaluation.CostReport(**row)
        speed_up = speed_ups[name]
        in_seconds = speed_up / report.break_even
        run = report.adam_first_seconds + steps * report.adam_milliseconds / 1e3
        since = report.break_even_seconds(speed_up) if speed_up else math.inf
        quicker, counted = quicker + (in_seconds > 1), counted + (since <= run)
        lines.append(
            [
                name,
                f"{report.weights:,.0f}",
                f"{report.forward_backward_milliseconds / report.adam_milliseconds:.2f}",
                f"{report.break_even:.2f}",
                f"{speed_up:.2f}",
                f"{in_seconds:.2f}",
                f"{run:.0f}",
                f"{since:.0f}" if math.isfinite(since) else "never",
            ]
        )
    sentence = (
        f"Quicker in seconds on {quicker} of {len(lines)} tasks; with the first steps counted, "
        f"within the suite's own lengths of runs, on {counted}."
    )
    return markdown(header, lines), sentence


def _numbers(row):
    """A row of a CSV file as what was written."""
    texts = {"net", "optimizer"}
    numbers = {k: v if k in texts else _number(v) for k, v in row.items()}
    return {**numbers, "jit_compile": row["jit_compile"] in (True, "True")}


def _number(value):
    return value if isinstance(value, bool) or value in ("True", "False") else float(value)


def document(output):
    """The text of `cost.md`, from the records in a directory."""
    results = evaluation.Results.from_json(output / "runs.json")
    table, sentence = suite_table(_read(output / "suite.csv"))
    found = [tables.cost_cells(results.cost(task)) for task in results.tasks]
    return "\n".join(
        [
            "# What the default costs, and when it pays back\n",
            f"`python -m experiments.cost.run`, {results.date}, {results.cpu}; TensorFlow "
            f"{results.versions['tensorflow']}, Keras {results.versions['keras']}. Medians of "
            "interleaved steps on a machine that others used: compare within a row.\n",
            "## By net, batch and compiler\n",
            nets_table(_read(output / "nets.csv")),
            "## The middle suite's report half\n",
            table,
            sentence + "\n",
            "Speed-up in steps: to tuned Adam's final train loss, from "
            "`results/suite-middle/tasks.csv`; 0: never.\n",
            "## Trained on MNIST\n",
            *(f"{title}\n\n{markdown(head, rows)}" for head, rows, title in found),
            tables.COST_LEGEND,
        ]
    )


def _read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    if "nets" in FLAGS.part:
        write_csv(output / "nets.csv", nets(FLAGS.repeats))
    if "suite" in FLAGS.part:
        write_csv(output / "suite.csv", on_the_suite(FLAGS.repeats))
    if "runs" in FLAGS.part:
        runs(FLAGS.steps, FLAGS.cache_dir).to_json(output / "runs.json")
    text = document(output)
    write_whole(output / "cost.md", text + "\n")
    print(text)


if __name__ == "__main__":
    app.run(main)
