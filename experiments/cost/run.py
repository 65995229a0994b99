"""What the default costs beside Adam, and when that pays back in seconds.

python -m experiments.cost.run

- Nets: `cost_report` of a 784-512-512-10 net and of a small conv net, by the size of the batch,
  and once compiled by XLA as a whole.
- Suite: a step on each net of the middle suite's report half, which nothing was chosen on, with
  its own loss; beside it the speed-up in steps over tuned Adam that
  `results/suite-middle/tasks.csv` tells, and what follows for seconds.
- Runs: both nets trained on MNIST, tuned Adam beside the default, by what `l2l-evaluate` does.

Writes `cost.md`, `suite.png` and the records that they are made of; what is there is not measured
again, unless `--output_dir` names another directory. Steps of a net are taken in turn, so that what
disturbs the machine disturbs all of them: ratios can be relied on, milliseconds are this machine's.
"""

import csv
import dataclasses
import math
import pathlib

import keras
import matplotlib.pyplot as plt
import tensorflow as tf
from absl import app, flags

from experiments.tables import markdown
from l2l_tf import LearnedOptimizer, cost_report, data, evaluation, tasks
from l2l_tf.core.files import write_csv, write_whole
from l2l_tf.evaluation import cost, suite, tables

HERE = pathlib.Path(__file__).parent
SUITE = HERE.parents[1] / "results" / "suite-middle" / "tasks.csv"
PARTS = ("nets", "suite", "runs")
# Rows of a batch, and what XLA compiles: nothing is what Keras and `LearnedOptimizer` have by
# themselves on CPUs.
NOTHING, OWN, WHOLE = "nothing", "the default's step", "whole steps"
SETTINGS = ((32, NOTHING), (128, NOTHING), (512, NOTHING), (128, OWN), (128, WHOLE))
ROWS = 10_000

FLAGS = flags.FLAGS
if __name__ == "__main__":
    flags.DEFINE_string("output_dir", str(HERE / "results"), "Directory of what is written.")
    flags.DEFINE_string("cache_dir", "runs/cost", "Directory of finished runs.")
    flags.DEFINE_integer("repeats", 5, "Interleaved rounds.", 1)
    flags.DEFINE_integer("steps", 200, "Steps of a run.", 1)
    flags.DEFINE_multi_enum("part", list(PARTS), PARTS, "What is measured. Repeatable.")


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


def nets(records, repeats):
    """Measure both nets at all `SETTINGS`."""
    for name, build in NETS.items():
        for size, compiled in SETTINGS:
            key = {"net": name, "compiled": compiled, "batch_size": size}
            optimizer = LearnedOptimizer(jit_compile=True if compiled == OWN else None)
            records.add(
                key,
                lambda build=build, size=size, compiled=compiled, optimizer=optimizer: cost_report(
                    build(),
                    optimizer,
                    batch_size=size,
                    repeats=repeats,
                    jit_compile=compiled == WHOLE,
                ),
            )


def on_the_suite(records, repeats):
    """Measure every net of the middle suite's report half, as `fit` runs it on CPUs."""
    for entry in suite.entries("report", (), "middle"):
        records.add(
            {"net": entry.name, "steps": entry.steps},
            lambda entry=entry: _of_task(entry.make(), entry.steps, repeats),
        )


def _of_task(task, steps, repeats):
    seed = tasks.as_seed(0)
    return cost.measured(
        lambda params, state, batch: _objective(task, params, state, batch),
        (task.variable_paths, *task.init(seed)),
        task.batch(seed, 0),
        LearnedOptimizer(total_steps=steps),
        repeats,
    )


class Records:
    """Rows of a CSV file, one for each `CostReport`; what is there is not measured again."""

    def __init__(self, path):
        self.path = path
        self.rows = _read(path) if path.exists() else []

    def add(self, key, measure):
        """Measure, print and write, unless a row has that key."""
        if any(all(str(row[k]) == str(v) for k, v in key.items()) for row in self.rows):
            return
        report = measure()
        print(f"\n{', '.join(map(str, key.values()))}: {report}", flush=True)
        self.rows.append({**key, **dataclasses.asdict(report)})
        write_csv(self.path, self.rows)


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
        "net", "batch", "XLA compiles", "forward + backward, ms", "with Adam, ms",
        "with the default, ms", "break-even", "first step, s (Adam's)",
        "FLOP per weight: forward + backward", "Adam", "the default",
        "bytes of state per weight (Adam's)",
    ]  # fmt: skip
    lines = []
    for row in map(_numbers, rows):
        weights = row["weights"]
        lines.append(
            [
                f"{row['net']} ({weights:,.0f} weights)",
                f"{row['batch_size']:.0f}",
                row["compiled"],
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


def suite_reports(rows):
    """Dict task → `(CostReport, steps of its runs, speed-up in steps)`, of the suite's records."""
    with open(SUITE, newline="") as file:
        speed_ups = {
            row["task"]: float(row["speed_up"])
            for row in csv.DictReader(file)
            if row["optimizer"] == "default"
        }
    found = {}
    for row in map(_numbers, rows):
        name, steps = row.pop("net"), row.pop("steps")
        found[name] = (evaluation.CostReport(**row), steps, speed_ups[name])
    return found


def suite_table(reports):
    """`(table, sentence)`: break-even beside the speed-up in steps, task by task."""
    header = [
        "task", "weights", "forward + backward / Adam's step", "break-even", "speed-up in steps",
        "in seconds", "Adam's run, s", "quicker from a run of Adam of, s",
    ]  # fmt: skip
    lines, quicker, counted = [], 0, 0
    for name, (report, steps, speed_up) in reports.items():
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


def draw(reports, path):
    """Speed-up over tuned Adam of each task of the suite, in steps and in seconds."""
    in_steps = {name: speed_up for name, (_, _, speed_up) in reports.items()}
    in_seconds = {name: in_steps[name] / of.break_even for name, (of, *_) in reports.items()}
    names = sorted(reports, key=in_seconds.get)
    figure, axis = plt.subplots(figsize=(8, 0.32 * len(names) + 1.2), layout="constrained")
    for speed_ups, style, label in (
        (in_steps, {"color": "C0", "facecolors": "none"}, "in steps (0: Adam's end not reached)"),
        (in_seconds, {"color": "black"}, "in seconds: in steps / break-even"),
    ):
        axis.scatter([speed_ups[n] for n in names], range(len(names)), label=label, **style)
    axis.hlines(
        range(len(names)),
        [in_seconds[n] for n in names],
        [in_steps[n] for n in names],
        color="#bbbbbb",
        linewidth=1.0,
        zorder=0,
    )
    axis.axvline(1.0, color="C2", linewidth=1.0)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_xlabel("speed-up over tuned Adam")
    axis.grid(True, axis="x", color="#dddddd", linewidth=0.6)
    axis.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _numbers(row):
    """A row of a CSV file as what was written."""
    texts = {"net", "compiled", "optimizer"}
    numbers = {k: v if k in texts else _number(v) for k, v in row.items()}
    return {**numbers, "jit_compile": row["jit_compile"] in (True, "True")}


def _number(value):
    return value if isinstance(value, bool) or value in ("True", "False") else float(value)


def document(output):
    """The text of `cost.md`, from the records that are in a directory."""
    parts = [
        "# What the default costs, and when it pays back\n",
        "`python -m experiments.cost.run`. Medians of interleaved steps on two cores that others "
        "used: compare within a row.\n",
    ]
    if (output / "nets.csv").exists():
        rows = sorted(_read(output / "nets.csv"), key=lambda row: row["net"])
        parts += ["## By net, batch and compiler\n", nets_table(rows)]
    if (output / "suite.csv").exists():
        reports = suite_reports(_read(output / "suite.csv"))
        parts += ["## The middle suite's report half\n", *suite_table(reports)]
        parts.append(
            "\nSpeed-up in steps: to tuned Adam's final train loss, from "
            "`results/suite-middle/tasks.csv`; 0: never.\n\n"
            "![Speed-up in steps, and what it takes](suite.png)\n"
        )
    if (output / "runs.json").exists():
        parts += ["## Trained on MNIST\n", *_on_mnist(output / "runs.json")]
    return "\n".join(parts)


def _on_mnist(path):
    results = evaluation.Results.from_json(path)
    found = [tables.cost_cells(results.cost(task))[:2] for task in results.tasks]
    return [
        *(f"{net}:\n\n{markdown(*cells)}" for net, cells in zip(NETS, found, strict=True)),
        tables.COST_LEGEND,
    ]


def _read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    if "nets" in FLAGS.part:
        nets(Records(output / "nets.csv"), FLAGS.repeats)
    if "suite" in FLAGS.part:
        on_the_suite(Records(output / "suite.csv"), FLAGS.repeats)
    if "runs" in FLAGS.part:
        runs(FLAGS.steps, FLAGS.cache_dir).to_json(output / "runs.json")
    if (output / "suite.csv").exists():
        draw(suite_reports(_read(output / "suite.csv")), output / "suite.png")
    text = document(output)
    write_whole(output / "cost.md", text + "\n")
    print(text)


if __name__ == "__main__":
    app.run(main)
