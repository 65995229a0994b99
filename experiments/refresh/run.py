"""Meta-gradients at some unrolls only: what is learned beside the processor time that it takes.

python -m experiments.refresh.run

A rule is meta-trained from random weights by truncated BPTT, at every unroll of 10 steps, ever more
rarely along a run of 200, or where the loss sits on a plateau; in between the optimizees are only
trained. The meta-learning rate of each schedule is chosen by the best validation scores of two
seeds; others are reported, with the processor time of the meta-steps. Finished runs are kept in
--pieces.
"""

import functools
import time

import numpy as np
from absl import app, flags

from experiments import meta_trainings
from experiments.meta_trainings import (
    CHOOSING_SEEDS,
    chosen,
    define_flags,
    gain,
    lowest,
    median_and_range,
    report,
    spelled_scores,
    two_rows,
)
from experiments.pieces import Pieces
from l2l_tf import meta
from l2l_tf.meta.refresh import SCHEDULES

FLAGS = flags.FLAGS
UNROLL, TRAJECTORY, EVERY = 10, 200, 25
# Task, optimizees of a meta-step, optimizees of a validation.
PROBLEMS = {"quadratics": ("quadratic", 16, 64), "digits": ("digits_mlp", 2, 4)}
RATES = (3e-3, 1e-2, 3e-2, 1e-1)
COLOURS = dict(zip(SCHEDULES, ("black", "C0", "C3"), strict=True))

if __name__ == "__main__":
    define_flags("refresh", PROBLEMS, "refresh", seeds=4)
    flags.DEFINE_integer("meta_steps", 300, "Unrolls of each run.", 1)


class Runs(meta_trainings.Runs):
    """Meta-trainings on one problem.

    Args:
        problem: Key of `PROBLEMS`.
        rule: What is meta-trained, a text.
        meta_steps: Unrolls of a run.
        pieces: `Pieces`.
    """

    def __init__(self, problem, rule, meta_steps, pieces):
        task, num_tasks, num_validation_tasks = PROBLEMS[problem]
        estimator = meta.TruncatedBPTT(unroll=UNROLL, num_tasks=num_tasks, log_loss=True)
        lengths = {"trajectories": (TRAJECTORY,), "meta_steps": meta_steps}
        super().__init__(problem, task, num_validation_tasks, rule, estimator, pieces, **lengths)

    def found(self, schedule, rate, seed):
        """Dict of a run: validation `scores`, processor time `at` each, share `refreshed`."""
        key = [self.problem, PROBLEMS[self.problem], self.rule, self.settings["meta_steps"]]
        key += [UNROLL, TRAJECTORY, EVERY, schedule, rate, seed]
        return self.kept(schedule, key, lambda: self._run(schedule, rate, seed))

    @functools.cached_property
    def trainer(self):
        """The trainer, traced before anything is timed."""
        trainer = super().trainer
        trainer.step()
        trainer.step()
        return trainer

    def _run(self, schedule, rate, seed):
        trainer, changes = self.trainer, {"refresh": schedule, "meta_learning_rate": rate}
        start = self.start(seed)
        if schedule != "always":  # Both kinds of unrolls are traced before anything is timed.
            trainer.restart(start, **changes, seed=seed)
            for _ in range(4):
                trainer.step()
        trainer.restart(start, **changes, seed=seed)
        scores, at, refreshed = [trainer.validate()["score"]], [0.0], []
        while not trainer.finished:
            started, before = time.process_time(), at[-1]
            for _ in range(EVERY):
                refreshed.append(trainer.step()["refreshed"])
            at.append(before + time.process_time() - started)
            scores.append(trainer.validate()["score"])
        self.say(schedule, rate, seed, round(at[-1], 1), scores=scores[::4])
        return {"scores": scores, "at": at, "refreshed": float(np.mean(refreshed))}


def problem_of(runs, seeds):
    """Dict schedule → `(rate, runs on the reported seeds)`."""
    found = {}
    for schedule in SCHEDULES:
        grid = {
            rate: [runs.found(schedule, rate, seed)["scores"] for seed in CHOOSING_SEEDS]
            for rate in RATES
        }
        rate = chosen(grid)
        found[schedule] = (rate, [runs.found(schedule, rate, seed + 1) for seed in range(seeds)])
    return found


def rows(found):
    """Rows of the table of one problem."""
    always = found["always"][1]
    whole = np.mean([gain(run["scores"]) for run in always])
    cost = np.mean([run["at"][-1] for run in always])
    table = []
    for schedule, (rate, runs) in found.items():
        kept = [lowest(run["scores"]) for run in runs]
        table.append(
            [
                schedule,
                f"{rate:g}",
                f"{100 * np.mean([run['refreshed'] for run in runs]):.0f} %",
                f"{100 * (1 - np.mean([run['at'][-1] for run in runs]) / cost):.0f} %",
                median_and_range(kept),
                f"{100 * np.mean([gain(run['scores']) for run in runs]) / whole:.0f} %",
            ]
        )
    return table


def draw(found, path):
    """Validation score against unrolls, and against processor time."""
    with two_rows(found, path) as columns:
        for column, of in zip(columns, found.values(), strict=True):
            for schedule, (_, runs) in of.items():
                for number, run in enumerate(runs):
                    label = schedule if number == 0 else None
                    style = {"color": COLOURS[schedule], "label": label, "linewidth": 1.2}
                    column[0].plot(EVERY * np.arange(len(run["scores"])), run["scores"], **style)
                    column[1].plot(run["at"], run["scores"], **style)
            column[0].set_xlabel("unrolls")
            column[1].set_xlabel("processor time of unrolls, s")
            for axis in column:
                axis.set_ylabel("validation score")


def records(problem, found):
    """Rows of the CSV of one problem."""
    return [
        {
            "problem": problem,
            "schedule": schedule,
            "rate": rate,
            "seed": seed + 1,
            "refreshed": run["refreshed"],
            "processor_seconds": " ".join(f"{s:.2f}" for s in run["at"]),
            "scores": spelled_scores(run["scores"]),
        }
        for schedule, (rate, runs) in found.items()
        for seed, run in enumerate(runs)
    ]


def main(argv):
    del argv
    pieces = Pieces(FLAGS.pieces)
    header = ["refreshed", "rate", "unrolls with a meta-gradient", "processor time saved"]
    header += ["score kept", "of the gain"]

    def measure(problem):
        found = problem_of(Runs(problem, FLAGS.rule, FLAGS.meta_steps, pieces), FLAGS.seeds)
        return found, problem, rows(found), records(problem, found)

    title = f"# Meta-gradients now and then\n\n`{FLAGS.rule}`\n"
    report(FLAGS.output_dir, FLAGS.report, title, header, FLAGS.problems, measure, draw)


if __name__ == "__main__":
    app.run(main)
