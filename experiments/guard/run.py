"""Learned rules on tasks like those they know and on others, with a guard and without.

python -m experiments.guard.run

Figures are medians over optimizees of the mean loss over the last tenth of a run, the guard's
costs in seconds of the whole run beside it.
"""

import time

import numpy as np
from absl import app, flags

from experiments.tables import markdown, number
from l2l_tf import presets, rules, tasks
from l2l_tf.core.tracing import traced_apart
from l2l_tf.meta.validation import run_losses, validation_run

FLAGS = flags.FLAGS
FALLBACK = "adam(learning_rate=0.001)"
KNOWN = {
    "lstm-digits": ["digits_mlp"],
    "rnnprop-general": ["digits_mlp"],
    "spectral-general": ["digits_mlp"],
}
# Other activations and depths, other problems; all runs are longer than an LSTM's in training.
UNKNOWN = [
    "digits_mlp(activation=relu,hidden=40)",
    "digits_mlp(activation=relu,layers=3)",
    "conditioned_quadratic",
    "logistic_regression",
    "quadratic",
]

if __name__ == "__main__":
    flags.DEFINE_integer("steps", 1000, "Steps of a run.", 1)
    flags.DEFINE_integer("optimizees", 5, "Optimizees, whose median is shown.", 1)


def final_loss(rule, task, steps, count):
    """`(loss, seconds)`: the median over optimizees at the end, and of the run once compiled."""
    run = validation_run(rule, task, tasks.as_seed(0), count, steps)
    take = traced_apart(lambda *run: run_losses(rule, task, *run, steps), jit_compile=True)
    take(*run)
    started = time.perf_counter()
    losses = take(*run).numpy()
    seconds = time.perf_counter() - started
    return float(np.median(losses[-max(1, steps // 10) :].mean(axis=0))), seconds


def row(preset, text, steps, count):
    """Cells of one preset on one task: without guard, with it, the fallback alone."""
    learned, fallback = presets.load_preset(preset), rules.from_text(FALLBACK)
    contenders = (learned, rules.Guarded(learned, fallback), fallback)
    found = [final_loss(rule, tasks.get(text), steps, count) for rule in contenders]
    ratio = found[1][1] / found[0][1]
    return [preset, text, *(number(loss) for loss, _ in found), f"{ratio:.2f}"]


def main(argv):
    del argv
    header = ["preset", "task", "alone", "guarded", FALLBACK, "time, guarded / alone"]
    for title, others in (("Like those it knows", False), ("Others", True)):
        rows = [
            row(preset, text, FLAGS.steps, FLAGS.optimizees)
            for preset, known in KNOWN.items()
            for text in (UNKNOWN if others else known)
        ]
        print(f"{title}:\n\n{markdown(header, rows)}", flush=True)


if __name__ == "__main__":
    app.run(main)
