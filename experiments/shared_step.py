"""Runs of rules that differ in their weights alone, and their losses beside a reference."""

import numpy as np

from l2l_tf import LearnedOptimizer, evaluation, rules, tasks
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner

# Beyond a factor of 100 a run has failed, whatever its figure.
LARGEST = 2.0


class SharedStep:
    """Runs of rules that differ in their weights alone, through one compiled step.

    Args:
        task: Task as text.
        rule: `UpdateRule`, the first of them.
        steps: Length of a run.
    """

    def __init__(self, task, rule, steps):
        self.rule = rule
        contender = evaluation.Contender(
            "learned", lambda rate, total: LearnedOptimizer(rule=self.rule), False, True
        )
        self.runner = Runner(Problem(tasks.get(task)), contender, steps)

    def final_loss(self, rule, seed):
        """Train loss at the end of the run of one seed; infinite if the run diverged.

        Raises:
            ValueError: If the rule differs in more than its weights.
        """
        if rules.serialize(rule) != rules.serialize(self.rule):
            raise ValueError(
                "Rules that share a step differ in their weights alone. "
                f"Received: {rules.serialize(rule)} after {rules.serialize(self.rule)}"
            )
        self.rule = rule
        return self.runner.run("report", seed, splits=("train",))[-1].reports["train"]["loss"]


def log_ratio(losses, reference):
    """Mean over seeds of log10(loss / reference); at most `LARGEST`."""
    with np.errstate(invalid="ignore"):
        ratio = np.log10(np.array(losses) / np.array(reference))
    return float(np.mean(np.minimum(np.nan_to_num(ratio, nan=LARGEST, posinf=LARGEST), LARGEST)))


def draw_ratios(axis, matrix):
    """A matrix of `log_ratio`s as a heat map, blue where ahead; returns the image."""
    image = axis.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(matrix):
        text = "fails" if value >= LARGEST else f"{value:.2f}"
        colour = "white" if abs(value) > 0.6 else "black"
        axis.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    return image
