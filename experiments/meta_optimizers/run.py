r"""Learned optimizers as meta-optimizers, the rule in training among them, beside tuned Adam.

python -m experiments.meta_optimizers.run --problems=quadratics
python -m experiments.meta_optimizers.run --problems=digits --report=digits
python -m experiments.meta_optimizers.run --problems=quadratics --rule=spectral-general \
    --report=shipped

A rule is meta-trained by truncated BPTT, on quadratics and on the digits' net: from random weights,
or, where --rule names a preset, from what ships.
Its meta-gradients are given to Adam, to a preset's rule, to the rule itself as it is at that
meta-step, or to a second one that it trains in turn. Every meta-optimizer has a grid of learning
rates or of factors of its updates; the best validation score of two seeds chooses, and others, of
the first weights and of the tasks, are reported. Finished runs are kept in --pieces: an interrupted
run goes on, and the report says what is there.
"""

import itertools

import numpy as np
from absl import app, flags

from experiments import meta_trainings
from experiments.meta_trainings import (
    CHOOSING_SEEDS,
    chosen,
    define_flags,
    lowest,
    mean_lowest,
    median_and_range,
    report,
    spelled_scores,
    two_rows,
)
from experiments.pieces import Pieces
from l2l_tf import meta

FLAGS = flags.FLAGS
TRAJECTORY, EVERY = 100, 20
# Task, optimizees of a meta-step, optimizees of a validation.
PROBLEMS = {"quadratics": ("quadratic", 16, 64), "digits": ("digits_mlp", 1, 4)}
GRIDS = {
    "adam": (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "preset:spectral-general": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "preset:rnnprop-general": (0.03, 0.1, 0.3, 1.0, 3.0),
    "self": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "dual": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
COLOURS = dict(zip(GRIDS, ("black", "C0", "C1", "C2", "C3"), strict=True))

if __name__ == "__main__":
    define_flags("meta_optimizers", PROBLEMS, "meta_optimizers", seeds=4)
    flags.DEFINE_integer("meta_steps", 200, "Meta-steps of each run.", 1)
    flags.DEFINE_list("compared", list(GRIDS), f"Of {', '.join(GRIDS)}; always with adam.")


class Runs(meta_trainings.Runs):
    """Meta-trainings of one rule on one problem.

    Args:
        problem: Key of `PROBLEMS`.
        rule: What is meta-trained, a text.
        meta_steps: Meta-steps of a run.
        pieces: `Pieces`.
    """

    def __init__(self, problem, rule, meta_steps, pieces):
        task, num_tasks, num_validation_tasks = PROBLEMS[problem]
        estimator = meta.TruncatedBPTT(unroll=20, num_tasks=num_tasks, log_loss=True)
        lengths = {"trajectories": (TRAJECTORY,), "meta_steps": meta_steps, "validate_every": EVERY}
        super().__init__(problem, task, num_validation_tasks, rule, estimator, pieces, **lengths)

    def scores(self, name, rate, seed):
        """Validation scores of one run, every `EVERY` meta-steps, the first before it."""
        key = [self.problem, PROBLEMS[self.problem], self.rule, self.settings["meta_steps"]]
        key += [name, rate, seed]
        return self.kept(name.split(":")[-1], key, lambda: self._run(name, rate, seed))

    def _run(self, name, rate, seed):
        changed = "meta_learning_rate" if name == "adam" else "meta_update_scale"
        settings = {"meta_optimizer": name, changed: rate, "seed": seed}
        self.trainer.restart(self.start(seed), **settings)
        self.trainer.fit(verbose=0)
        found = [v["score"] for v in self.trainer.validations]
        self.say(name, rate, seed, scores=found[::3])
        return found


def meta_steps_to(scores, goal):
    """Meta-steps until a validation is at `goal` or below; None if none is."""
    reached = np.flatnonzero(np.asarray(scores) <= goal)
    return int(reached[0]) * EVERY if len(reached) else None


def gone_astray(scores):
    """Whether a run ends above where it began, or has lost half of what it had gained."""
    gained, lost = scores[0] - lowest(scores), scores[-1] - lowest(scores)
    return not np.isfinite(scores[-1]) or lost > 0.5 * gained


def rows(found):
    """Rows of the table of one problem: a dict name → (rate, runs, runs of each rate's grid)."""
    goal = float(np.median([lowest(scores) for scores in found["adam"][1]]))
    table = []
    for name, (rate, runs, grid) in found.items():
        best = [lowest(scores) for scores in runs]
        to_goal = [meta_steps_to(scores, goal) for scores in runs]
        astray = [gone_astray(scores) for scores in [*runs, *itertools.chain(*grid)]]
        table.append(
            [
                f"`{name}`",
                f"{rate:g}",
                median_and_range(best),
                ", ".join("never" if n is None else str(n) for n in to_goal),
                f"{sum(astray)} of {len(astray)}",
            ]
        )
    return table


def draw(found, path):
    """Score along the chosen runs, and the lowest score of each rate of the grid."""
    with two_rows(found, path) as columns:
        for column, of in zip(columns, found.values(), strict=True):
            for name, (_, runs, grid) in of.items():
                for number, scores in enumerate(runs):
                    label = name if number == 0 else None
                    steps = EVERY * np.arange(len(scores))
                    column[0].plot(steps, scores, color=COLOURS[name], label=label, linewidth=1.2)
                rates = np.arange(len(grid)) - (len(grid) - 1) / 2
                column[1].plot(rates, [mean_lowest(of) for of in grid], "o-", color=COLOURS[name])
            column[0].set_xlabel("meta-steps")
            column[1].set_xlabel("rate or factor: its place in the grid, the middle at 0")
        columns[0][0].set_ylabel("validation score (mean log loss along the run)")
        columns[0][1].set_ylabel("lowest score, mean of two seeds")


def grids_of(names):
    """Those of `GRIDS` that are asked for, and adam's.

    Raises:
        ValueError: If there is no such meta-optimizer.
    """
    unknown = sorted(set(names) - set(GRIDS))
    if unknown:
        raise ValueError(f"Meta-optimizers are {', '.join(GRIDS)}. Received: {unknown}")
    return {name: rates for name, rates in GRIDS.items() if name in ("adam", *names)}


def problem_of(runs, seeds, grids):
    """`(dict name → (rate, runs, grid), records)` of meta-optimizers, a dict name → rates."""
    found, records = {}, []
    for name, rates in grids.items():
        grid = {rate: [runs.scores(name, rate, s) for s in CHOOSING_SEEDS] for rate in rates}
        rate = chosen(grid)
        reported = {seed: runs.scores(name, rate, seed) for seed in range(1, seeds + 1)}
        found[name] = (rate, list(reported.values()), list(grid.values()))
        tried = [
            (of, seed, scores)
            for of, each in grid.items()
            for seed, scores in zip(CHOOSING_SEEDS, each, strict=True)
        ]
        tried += [(rate, seed, scores) for seed, scores in reported.items()]
        records += [
            {
                "problem": runs.problem,
                "meta_optimizer": name,
                "rate": its_rate,
                "seed": seed,
                "scores": spelled_scores(scores),
            }
            for its_rate, seed, scores in tried
        ]
    return found, records


def main(argv):
    del argv
    pieces, grids = Pieces(FLAGS.pieces), grids_of(FLAGS.compared)
    header = ["meta-optimizer", "rate or factor", "score kept", "meta-steps to Adam's", "astray"]

    def measure(problem):
        runs = Runs(problem, FLAGS.rule, FLAGS.meta_steps, pieces)
        found, records = problem_of(runs, FLAGS.seeds, grids)
        return found, problem, rows(found), records

    title = f"# Meta-optimizers\n\n`{FLAGS.rule}`\n"
    report(FLAGS.output_dir, FLAGS.report, title, header, FLAGS.problems, measure, draw)


if __name__ == "__main__":
    app.run(main)
