"""Meta-training by every estimator for the same compute: BPTT, ES, PES, REINFORCE, lookahead.

python -m experiments.estimators.training

One rule, from random weights, on quadratics and on nets of digits and MNIST. All estimators train
as many optimizees at a time and have the same seconds of processor time, from what a meta-step of
each was measured to take after it was traced. Rates are chosen by the best score of seed 0,
other seeds are reported. The reward of REINFORCE is the log-improvement of each step, with a cost
for time; lookahead sees gradients alone, no loss. Finished runs are kept in --pieces.
"""

import time

import numpy as np
from absl import app, flags

from experiments import meta_trainings
from experiments.meta_trainings import (
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

FLAGS = flags.FLAGS
UNROLL, TRAJECTORY, VALIDATIONS = 20, 100, 8
# Task, optimizees trained at a time, optimizees of a validation, share of --budget.
PROBLEMS = {
    "quadratics": ("quadratic", 16, 64, 1.0),
    "digits": ("digits_mlp", 4, 4, 3.0),
    "mnist": ("mnist_mlp", 4, 4, 4.0),
}
RATES = (1e-3, 5e-3, 2.5e-2)
# Name → estimator, how many optimizees at a time each of its `num_tasks` is, further arguments.
ESTIMATORS = {
    "BPTT": (meta.TruncatedBPTT, 1, {"log_loss": True}),
    "ES": (meta.EvolutionStrategies, 2, {"log_loss": True}),
    "PES": (meta.PersistentEvolutionStrategies, 2, {"log_loss": True}),
    "REINFORCE": (meta.Reinforce, 4, {"rollouts": 4, "time_cost": 0.05}),
    "lookahead": (meta.Lookahead, 1, {}),
}
COLOURS = dict(zip(ESTIMATORS, ("black", "C0", "C1", "C2", "C3"), strict=True))

if __name__ == "__main__":
    define_flags("estimators", PROBLEMS, "training")
    flags.DEFINE_float("budget", 5.0, "Seconds of processor time of a run on quadratics.", 0.1)


class Runs(meta_trainings.Runs):
    """Meta-trainings by one estimator on one problem.

    Args:
        problem: Key of `PROBLEMS`.
        name: Key of `ESTIMATORS`.
        rule: What is meta-trained, a text.
        budget: Seconds of processor time of a run.
        pieces: `Pieces`.
    """

    def __init__(self, problem, name, rule, budget, pieces):
        task, num_tasks, num_validation_tasks, _ = PROBLEMS[problem]
        cls, at_a_time, arguments = ESTIMATORS[name]
        estimator = cls(unroll=UNROLL, num_tasks=num_tasks // at_a_time, **arguments)
        lengths = {"trajectories": (TRAJECTORY,)}
        super().__init__(problem, task, num_validation_tasks, rule, estimator, pieces, **lengths)
        self.name, self.budget = name, budget
        self.key = [problem, PROBLEMS[problem], repr(estimator), rule]

    def seconds(self):
        """Processor time of a meta-step, median of some."""
        return self.kept("seconds", self.key, self._measured)["per_meta_step"]

    def _measured(self):
        taken = []
        for _ in range(12):
            started = time.process_time()
            self.trainer.step()
            taken.append(time.process_time() - started)
        return {"per_meta_step": float(np.median(taken[2:]))}

    def meta_steps(self):
        """How many meta-steps the budget is enough for: a multiple of the validations'."""
        share = self.budget / self.seconds() / VALIDATIONS
        return VALIDATIONS * max(1, round(share))

    def scores(self, rate, seed):
        """Validation scores of one run, `VALIDATIONS` of them and the one before it."""
        key = [*self.key, self.meta_steps(), rate, seed]
        return self.kept(self.name, key, lambda: self._run(rate, seed))

    def _run(self, rate, seed):
        meta_steps = self.meta_steps()
        self.trainer.restart(
            self.start(seed),
            meta_learning_rate=rate,
            seed=seed,
            meta_steps=meta_steps,
            validate_every=meta_steps // VALIDATIONS,
        )
        self.trainer.fit(verbose=0)
        found = [v["score"] for v in self.trainer.validations]
        self.say(self.name, rate, seed, scores=found[::2])
        return found


def problem_of(problem, rule, budget, seeds, pieces):
    """Dict name → dict of what was found of each estimator on a problem."""
    found = {}
    for name in ESTIMATORS:
        runs = Runs(problem, name, rule, budget * PROBLEMS[problem][3], pieces)
        grid = {rate: runs.scores(rate, 0) for rate in RATES}
        rate = min(RATES, key=lambda r: lowest(grid[r]))
        reported = {seed: runs.scores(rate, seed) for seed in range(1, seeds + 1)}
        found[name] = {
            "seconds": runs.seconds(),
            "meta_steps": runs.meta_steps(),
            "rate": rate,
            "grid": grid,
            "runs": reported,
        }
    return found


def rows(found, at_a_time):
    """Rows of the table of one problem."""
    whole = np.mean([gain(s) for s in found["BPTT"]["runs"].values()])
    table = []
    for name, of in found.items():
        kept = [lowest(s) for s in of["runs"].values()]
        share = np.mean([gain(s) for s in of["runs"].values()]) / whole
        table.append(
            [
                name,
                f"{of['rate']:g}",
                f"{1e3 * of['seconds']:.0f}",
                of["meta_steps"],
                of["meta_steps"] * UNROLL * at_a_time,
                median_and_range(kept),
                f"{100 * share:.0f} %",
            ]
        )
    return table


def draw(found, path):
    """Validation score against processor time, and against optimizees' steps."""
    with two_rows(found, path) as columns:
        for column, (problem, of) in zip(columns, found.items(), strict=True):
            at_a_time = PROBLEMS[problem][1]
            for name, one in of.items():
                for number, scores in enumerate(one["runs"].values()):
                    label = name if number == 0 else None
                    steps = np.linspace(0, one["meta_steps"], len(scores))
                    style = {"color": COLOURS[name], "label": label, "linewidth": 1.2}
                    column[0].plot(steps * one["seconds"], scores, **style)
                    column[1].plot(steps * UNROLL * at_a_time, scores, **style)
            column[0].set_xlabel("processor time of meta-steps, s")
            column[1].set_xlabel("steps of optimizees")
            for axis in column:
                axis.set_ylabel("validation score")


def records(problem, found):
    """Rows of the CSV of one problem."""
    return [
        {
            "problem": problem,
            "estimator": name,
            "rate": rate,
            "seed": seed,
            "seconds_per_meta_step": of["seconds"],
            "meta_steps": of["meta_steps"],
            "scores": spelled_scores(scores),
        }
        for name, of in found.items()
        for rate, seed, scores in (
            *((rate, 0, scores) for rate, scores in of["grid"].items()),
            *((of["rate"], seed, scores) for seed, scores in of["runs"].items()),
        )
    ]


def main(argv):
    del argv
    pieces = Pieces(FLAGS.pieces)
    header = ["estimator", "rate", "ms a meta-step", "meta-steps", "optimizees' steps"]
    header += ["score kept", "of BPTT's gain"]

    def measure(problem):
        found = problem_of(problem, FLAGS.rule, FLAGS.budget, FLAGS.seeds, pieces)
        seconds = FLAGS.budget * PROBLEMS[problem][3]
        heading = f"{problem}, {seconds:g} s of processor time"
        return found, heading, rows(found, PROBLEMS[problem][1]), records(problem, found)

    title = f"# Estimators for the same compute\n\n`{FLAGS.rule}`\n"
    report(FLAGS.output_dir, FLAGS.report, title, header, FLAGS.problems, measure, draw)


if __name__ == "__main__":
    app.run(main)
