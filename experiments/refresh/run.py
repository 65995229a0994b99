"""Meta-gradients at some unrolls only: what is learned beside the processor time that it takes.

python -m experiments.refresh.run

A rule is meta-trained from random weights by truncated BPTT, at every unroll of 10 steps, ever more
rarely along a run of 200, or where the loss sits on a plateau; in between the optimizees are only
trained. The meta-learning rate of each schedule is chosen by the best validation score of seed 0;
other seeds are reported, with the processor time of the meta-steps. Finished runs are kept in
--pieces.
"""

import time

import numpy as np
from absl import app, flags

from experiments.meta_trainings import (
    gain,
    lowest,
    mean_and_range,
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
RATES = (3e-3, 1e-2, 3e-2)
COLOURS = dict(zip(SCHEDULES, ("black", "C0", "C3"), strict=True))

if __name__ == "__main__":
    flags.DEFINE_list("problems", list(PROBLEMS), "Of quadratics, digits.")
    flags.DEFINE_string("rule", "rnnprop(hidden_size=8,layers=1)", "What is meta-trained.")
    flags.DEFINE_integer("meta_steps", 300, "Unrolls of each run.", 1)
    flags.DEFINE_integer("seeds", 2, "Seeds that are reported, from 1.", 1)
    flags.DEFINE_string("pieces", "runs/refresh", "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", "experiments/refresh/results", "For the report.")


class Runs:
    """Meta-trainings on one problem, through one trainer.

    Args:
        problem: Key of `PROBLEMS`.
        rule: What is meta-trained, a text.
        meta_steps: Unrolls of a run.
        pieces: `Pieces`.
    """

    def __init__(self, problem, rule, meta_steps, pieces):
        self.problem, self.rule, self.meta_steps = problem, rule, meta_steps
        self.pieces, self.trainer = pieces, None

    def found(self, schedule, rate, seed):
        """Dict of a run: validation `scores`, processor time `at` each, share `refreshed`."""
        key = [self.problem, PROBLEMS[self.problem], self.rule, self.meta_steps]
        key += [UNROLL, TRAJECTORY, EVERY, schedule, rate, seed]
        return self.pieces.value(
            f"{self.problem}-{schedule}", key, lambda: self._run(schedule, rate, seed)
        )

    def _run(self, schedule, rate, seed):
        if self.trainer is None:
            self.trainer = self._new_trainer()
        trainer, changes = self.trainer, {"refresh": schedule, "meta_learning_rate": rate}
        start = trainer.rule.bind(trainer.rule.initial_meta_params(seed))
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
        shown = [round(s, 3) for s in scores[::4]]
        print(self.problem, schedule, rate, seed, shown, round(at[-1], 1), flush=True)
        return {"scores": scores, "at": at, "refreshed": float(np.mean(refreshed))}

    def _new_trainer(self):
        task, num_tasks, num_validation_tasks = PROBLEMS[self.problem]
        trainer = meta.Trainer(
            self.rule,
            [task],
            meta.TruncatedBPTT(unroll=UNROLL, num_tasks=num_tasks, log_loss=True),
            trajectories=(TRAJECTORY,),
            meta_steps=self.meta_steps,
            num_validation_tasks=num_validation_tasks,
        )
        trainer.step()
        trainer.step()
        return trainer


def problem_of(runs, seeds):
    """Dict schedule → `(rate, runs on the reported seeds)`."""
    found = {}
    for schedule in SCHEDULES:
        grid = {rate: runs.found(schedule, rate, 0) for rate in RATES}
        rate = min(RATES, key=lambda r: lowest(grid[r]["scores"]))
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
                mean_and_range(kept),
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
    report(FLAGS.output_dir, "refresh", title, header, FLAGS.problems, measure, draw)


if __name__ == "__main__":
    app.run(main)
