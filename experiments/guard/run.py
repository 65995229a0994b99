"""Learned rules on tasks like those they know and on others, with a guard and without.

python -m experiments.guard.run

Figures are medians over optimizees of the mean loss over the last tenth of a run, the guard's
costs in processor time of the whole run beside it.
"""

import functools
import sys
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
    flags.DEFINE_list("presets", list(KNOWN), "Presets, of those that are here by default.")
    flags.DEFINE_multi_string("other", UNKNOWN, "Tasks that none of them knows; repeatable.")
    flags.DEFINE_integer("steps", 1000, "Steps of a run.", 1)
    flags.DEFINE_integer("optimizees", 5, "Optimizees, whose median is shown.", 1)
    flags.DEFINE_bool("jit_compile", True, "Whether XLA compiles the runs.")


def final_loss(rule, task, steps, count, jit_compile):
    """`(loss, processor time)`: the median over optimizees at the end, and of the whole run."""
    run = validation_run(rule, task, tasks.as_seed(0), count, steps)
    take = traced_apart(lambda *run: run_losses(rule, task, *run, steps), jit_compile)
    take.get_concrete_function(*run)
    if jit_compile:
        take(*run)
    started = time.process_time()
    losses = take(*run).numpy()
    seconds = time.process_time() - started
    return float(np.median(losses[-max(1, steps // 10) :].mean(axis=0))), seconds


@functools.cache
def of_the_fallback(text, *arguments):
    """What the fallback alone comes to, which is no other for the next preset."""
    return final_loss(rules.from_text(FALLBACK), tasks.get(text), *arguments)


def row(preset, text, *arguments):
    """Cells of one preset on one task: without guard, with it, the fallback alone."""
    learned = presets.load_preset(preset)
    contenders = (learned, rules.Guarded(learned, FALLBACK))
    found = [final_loss(rule, tasks.get(text), *arguments) for rule in contenders]
    found.append(of_the_fallback(text, *arguments))
    ratio = found[1][1] / found[0][1]
    print(f"{preset} on {text}", file=sys.stderr, flush=True)
    return [preset, text, *(number(loss) for loss, _ in found), f"{ratio:.2f}"]


def main(argv):
    del argv
    header = ["preset", "task", "alone", "guarded", FALLBACK, "time, guarded / alone"]
    for title, others in (("Like those it knows", False), ("Others", True)):
        rows = [
            row(preset, text, FLAGS.steps, FLAGS.optimizees, FLAGS.jit_compile)
            for preset in FLAGS.presets
            for text in (FLAGS.other if others else KNOWN[preset])
        ]
        print(f"{title}:\n\n{markdown(header, rows)}", flush=True)


if __name__ == "__main__":
    app.run(main)
