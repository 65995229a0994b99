"""Widths, depths and batch sizes, each at several multiples of the learning rate.

python -m experiments.habits.sweep --output_dir=experiments/habits/results

ReLU nets on MNIST with Keras's own initializers: every width at depth 2, every depth at width
64, each with every batch size. A rule with nothing to tune is best at the multiplier 1, whatever
the size. Finished runs are kept in --pieces, so that an interrupted sweep goes on where it
stopped, and another rule costs its own runs alone: --contender='rule:mixture()@known_horizon'.
"""

import numpy as np
from absl import app, flags

from experiments.habits.nets import Cell, Trainer
from experiments.habits.reporting import Report, sections
from experiments.pieces import Pieces
from experiments.tables import markdown, number
from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import from_text

FLAGS = flags.FLAGS
MULTIPLIERS = (0.1, 0.3, 1.0, 3.0)
WIDE_DEPTH, DEEP_WIDTH = 2, 64
HEAD = """# Width, depth and batch size

ReLU nets on MNIST, Keras's initializers: mean train loss in the last tenth of a run.
"""
NEAR = 1.05

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "contender",
        ["spectral-general@known_horizon"],
        "[NAME=]SOURCE[@known_horizon] as in l2l-evaluate: a preset's name or directory, or "
        "'rule:' and a rule with untrained weights; @known_horizon: it knows the length. "
        "Repeatable.",
    )
    flags.DEFINE_list("widths", ["16", "64", "256", "512", "1024", "2048"], "Units, at depth 2.")
    flags.DEFINE_list("depths", ["2", "4", "8", "16", "32"], "Hidden layers, at width 64.")
    flags.DEFINE_list("batch_sizes", ["8", "64", "256", "1024"], "Rows of a batch.")
    flags.DEFINE_integer("steps", 300, "Steps of a run.", 10)
    flags.DEFINE_float(
        "most_multiplications",
        4e11,
        "A run whose forward and backward passes need more takes fewer steps, 30 at least.",
    )
    flags.DEFINE_integer("seeds", 1, "Runs of each, whose median counts.", 1)
    flags.DEFINE_string("pieces", "runs/sweep", "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", "experiments/habits/results", "Where tables go.")


def cells(widths, depths, batch_sizes):
    """All `Cell`s: widths at depth 2, depths at width 64, each with every batch size."""
    sizes = [(width, WIDE_DEPTH) for width in widths] + [(DEEP_WIDTH, depth) for depth in depths]
    return [Cell(*size, batch) for size in dict.fromkeys(sizes) for batch in batch_sizes]


def measure(contender, cell, steps, multipliers, seeds, pieces):
    """Dict multiplier → median over seeds of the mean train loss in the last tenth of a run.

    Args:
        contender: `Contender`.
        cell: `Cell`.
        steps: Steps of a run.
        multipliers: Learning rates; `(None,)` leaves that of the optimizer.
        seeds: Number of runs.
        pieces: `Pieces`.
    """
    trainers = []

    def losses(multiplier, seed):
        if not trainers:
            trainers.append(Trainer(contender, cell, steps))
        return trainers[0].run(multiplier, seed)

    found = {}
    for multiplier in multipliers:
        ends = []
        for seed in range(seeds):
            key = [contender.identity, vars(cell), steps, multiplier, seed]
            name = f"{contender.name}-{cell.width}x{cell.depth}-{cell.batch_size}"
            run = pieces.value(name, key, lambda m=multiplier, s=seed: losses(m, s))
            ends.append(run[-1])
        found[multiplier] = float(np.median(ends))
    return found


def judged(cell, steps, losses, adam):
    """One row of the table, a dict: losses, and whether 1 is near the best, and not behind Adam.

    Args:
        cell: `Cell`.
        steps: Steps of a run.
        losses: Dict multiplier → final loss.
        adam: Final loss of Adam at 0.001.
    """
    best = min(losses.values())
    return {
        **vars(cell),
        "steps": steps,
        **{f"x{multiplier:g}": loss for multiplier, loss in losses.items()},
        "adam": adam,
        "best_multiplier": min(losses, key=losses.get),
        "near_best": losses[1.0] <= NEAR * best,
        "near_adam": losses[1.0] <= 1.02 * adam,
    }


def summary(name, rows):
    """What a sweep says of one contender, a sentence."""
    near = np.mean([row["near_best"] for row in rows])
    ahead = np.mean([row["near_adam"] for row in rows])
    worst = max(rows, key=lambda row: row["x1"] / row["adam"])
    ratio = worst["x1"] / worst["adam"]
    return (
        f"`{name}`: multiplier 1 within 5 % of the best of the {len(MULTIPLIERS)} in {near:.0%} of "
        f"{len(rows)} cells; within 2 % of Adam(0.001) or ahead of it in {ahead:.0%}; at worst "
        f"{number(ratio)} times its loss (width {worst['width']}, depth {worst['depth']}, batches "
        f"of {worst['batch_size']})."
    )


def table(rows):
    """Markdown: one line a cell, the best multiplier bold."""
    columns = [f"x{multiplier:g}" for multiplier in MULTIPLIERS]
    header = ["width", "depth", "batch", "steps", *(f"× {c[1:]}" for c in columns), "Adam(0.001)"]
    header += ["1 within 5 % of the best", "1 / Adam"]
    lines = []
    for row in rows:
        best = min(row[c] for c in columns)
        losses = [f"**{number(row[c])}**" if row[c] == best else number(row[c]) for c in columns]
        sizes = [row[k] for k in ("width", "depth", "batch_size", "steps")]
        yes = "yes" if row["near_best"] else "no"
        lines.append([*sizes, *losses, number(row["adam"]), yes, number(row["x1"] / row["adam"])])
    return markdown(header, lines)


def report(swept):
    """The whole report as Markdown; `swept`: dict contender → rows."""
    return sections(HEAD, swept, summary, table)


def main(argv):
    del argv
    pieces = Pieces(FLAGS.pieces)
    contenders = [from_text(text) for text in FLAGS.contender]
    adam = baselines.get("adam_default")
    numbers = [[int(n) for n in given] for given in (FLAGS.widths, FLAGS.depths, FLAGS.batch_sizes)]
    written = Report(FLAGS.output_dir, "sweep", report)
    for cell in cells(*numbers):
        steps = cell.steps(FLAGS.steps, FLAGS.most_multiplications)
        plain = measure(adam, cell, steps, (None,), FLAGS.seeds, pieces)[None]
        for contender in contenders:
            losses = measure(contender, cell, steps, MULTIPLIERS, FLAGS.seeds, pieces)
            row = judged(cell, steps, losses, plain)
            print(contender.name, *(f"{k}={v}" for k, v in row.items()), flush=True)
            written.add(contender.name, row)


if __name__ == "__main__":
    app.run(main)
