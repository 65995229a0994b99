"""The table of habits: a rule beside Adam(0.001), and beside itself where the length is true.

python -m experiments.habits.run --output_dir=experiments/habits/results

Keras's own `fit` on small real data; medians over seeds. Finished runs are kept in --pieces, so
that an interrupted table goes on where it stopped.
"""

import math

import numpy as np
from absl import app, flags

from experiments.habits import data, habits
from experiments.habits.learner import Learner
from experiments.habits.reporting import Report, sections
from experiments.pieces import Pieces, code_of
from experiments.tables import markdown, number
from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import from_text
from l2l_tf.optimizer import run_length, stopping

FLAGS = flags.FLAGS
NEAR = 1.03
# Held-out losses below this are as good as none, and count as it in a ratio.
LEAST = 1e-3

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "contender",
        ["spectral-general"],
        "[NAME=]SOURCE as in l2l-evaluate: a preset's name or directory, or 'rule:' and a rule "
        "with untrained weights. What it knows of the length, `fit` tells it. Repeatable.",
    )
    flags.DEFINE_list("data", ["digits", "breast_cancer", "wine"], f"Of {', '.join(data.DATA)}.")
    flags.DEFINE_list("habits", [], "Names of the habits; default: all.")
    flags.DEFINE_integer("seeds", 3, "Runs of each, whose medians are shown.", 1)
    flags.DEFINE_string("pieces", "runs/habits", "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", "experiments/habits/results", "Where tables go.")


class Bench:
    """Runs of one contender on one data set, compiled when the first one is needed.

    Args:
        contender: `Contender`.
        name: Of the data set.
        pieces: `Pieces`.
    """

    def __init__(self, contender, name, pieces):
        self._contender, self._name, self._pieces = contender, name, pieces
        self._learners = {}

    def run(self, habit, seed, honest_epochs=None):
        """What one run came to, a dict.

        `best`, `end`: the least held-out loss after an epoch, and that of the weights that the user
        is left with; `train`: the last epoch's train loss; `epochs`: their number.

        Args:
            habit: `Habit`.
            seed: Of weights and order.
            honest_epochs: Epochs of the run whose true length is told; None: the habit itself.
        """
        told = (run_length, stopping) if self._contender.learned else ()
        digest = code_of(habits, *told)
        key = [self._contender.identity, self._name, habit.name, seed, honest_epochs, digest]
        name = f"{self._contender.name}-{self._name}-{habit.name}"
        return self._pieces.value(name, key, lambda: self._fit(habit, seed, honest_epochs))

    def _fit(self, habit, seed, honest_epochs):
        splits = data.splits(self._name, habit.kind)
        if habit.kind not in self._learners:
            self._learners[habit.kind] = Learner(
                self._contender, lambda: data.network(self._name), held_out=splits["test"]
            )
        learner = self._learners[habit.kind]
        learner.restart(seed)
        if honest_epochs is None:
            habit.run(learner, splits["train"])
        else:
            habit.honest(learner, splits["train"], honest_epochs)
        return {
            "best": min(learner.held_out),
            "end": learner.held_out_now(),
            "train": learner.train[-1],
            "epochs": len(learner.train),
        }


def judged(habit, seeds, bench, adam):
    """One row of the table, a dict: medians over seeds of a contender, Adam and the honest run.

    Args:
        habit: `Habit`.
        seeds: Number of runs.
        bench: `Bench` of the contender.
        adam: `Bench` of Adam.
    """
    own = [bench.run(habit, seed) for seed in range(seeds)]
    other = [adam.run(habit, seed) for seed in range(seeds)]
    honest = None
    if habit.honest is not None:
        honest = [bench.run(habit, seed, own[seed]["epochs"]) for seed in range(seeds)]
    row = {"habit": habit.name, "what": habit.text}
    for prefix, runs in (("", own), ("adam_", other), ("honest_", honest)):
        for what in ("best", "end", "train", "epochs"):
            row[prefix + what] = _median(runs, what)
    row["best_to_adam"] = _ratio(row["best"], row["adam_best"])
    row["best_to_honest"] = _ratio(row["best"], row["honest_best"]) if honest else None
    return row


def _ratio(loss, other):
    return max(loss, LEAST) / max(other, LEAST)


def _median(runs, what):
    return None if runs is None else float(np.median([run[what] for run in runs]))


def summary(name, rows):
    """What the table says of one contender, a sentence."""
    ahead = [row for row in rows if row["best_to_adam"] <= 1.0]
    honest = [row for row in rows if row["best_to_honest"] is not None]
    near = [row for row in honest if row["best_to_honest"] <= NEAR]
    mean = _mean(row["best_to_adam"] for row in rows)
    ends = {
        data: _mean(_ratio(row["end"], row["adam_end"]) for row in rows if row["data"] == data)
        for data in dict.fromkeys(row["data"] for row in rows)
    }
    at_the_end = ", ".join(f"{number(end)} on {data}" for data, end in ends.items())
    return (
        f"`{name}`: best held-out loss at or below Adam's in {len(ahead)} of {len(rows)} rows "
        f"({number(mean)} times it in the geometric mean), within 3 % of the run whose true length "
        f"is told in {len(near)} of {len(honest)}. The held-out loss at the end, over Adam's, is "
        f"{at_the_end} in the geometric mean."
    )


def _mean(ratios):
    return math.exp(np.mean(np.log(list(ratios))))


def table(rows):
    """Markdown: one line a habit and data set."""
    header = ["data", "what the user writes", "best held-out loss", "Adam's", "/ Adam's"]
    header += ["/ true length told", "at the end", "Adam's", "train loss", "Adam's", "epochs"]
    lines = []
    for row in rows:
        names = ("best", "adam_best", "best_to_adam", "best_to_honest", "end", "adam_end", "train")
        numbers = [number(row[k]) for k in (*names, "adam_train", "epochs")]
        lines.append([row["data"], row["what"], *numbers])
    return markdown(header, lines)


def report(judgements, seeds):
    """The whole report as Markdown; `judgements`: dict contender → rows."""
    head = (
        "# Habits\n\n"
        f"Keras's own `fit`, batches of 32, medians over {seeds} seeds. Beside Adam(0.001), and "
        "beside the same rule in a single `fit` of as many epochs, whose length is told.\n"
    )
    return sections(head, judgements, summary, table)


def main(argv):
    del argv
    pieces = Pieces(FLAGS.pieces)
    contenders = [from_text(text) for text in FLAGS.contender]
    chosen = [h for h in habits.HABITS if not FLAGS.habits or h.name in FLAGS.habits]
    written = Report(FLAGS.output_dir, "habits", lambda rows: report(rows, FLAGS.seeds))
    for name in FLAGS.data:
        adam = Bench(baselines.get("adam_default"), name, pieces)
        for contender in contenders:
            bench = Bench(contender, name, pieces)
            for habit in chosen:
                row = {"data": name, **judged(habit, FLAGS.seeds, bench, adam)}
                print(contender.name, *(f"{k}={number_of(v)}" for k, v in row.items()), flush=True)
                written.add(contender.name, row)


def number_of(value):
    """A cell of a printed line: three digits, or text."""
    return number(value) if value is None or isinstance(value, float) else value


if __name__ == "__main__":
    app.run(main)
