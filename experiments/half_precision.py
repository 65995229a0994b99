"""What state in bfloat16 does to the results: python -m experiments.half_precision

Presets on small tasks, and with `--entry` on tasks of the middle suite's development half, state in
float32 and in bfloat16, the same seeds; prints a table. Rules are not told the length.
"""

import dataclasses
import sys

from absl import app, flags

from experiments.tables import markdown, spread
from l2l_tf import LearnedOptimizer, evaluation, presets
from l2l_tf.evaluation import suite

FLAGS = flags.FLAGS
DTYPES = ("float32", "bfloat16")

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "preset", ["mixture-general", "rnnprop-general", "lstm-digits"], "Presets; repeatable."
    )
    flags.DEFINE_multi_string("task", ["digits_mlp", "row_rnn", "highway_net"], "Tasks.")
    flags.DEFINE_multi_integer("steps", [100, 1000], "Lengths of runs on tasks.", 1)
    flags.DEFINE_multi_string("entry", [], "Entries of the middle suite's development half.")
    flags.DEFINE_float("stretch", 1.0, "Part of an entry's steps that its runs take.", 0)
    flags.DEFINE_integer("seeds", 5, "Runs of each.", 1)


def contender(preset, state_dtype):
    """A preset as a contender, its state in a dtype."""
    rule = presets.load_preset(preset)
    plain = evaluation.learned(rule, f"{preset}, {state_dtype}")

    def make(rate, total_steps):
        del rate, total_steps
        return LearnedOptimizer(rule=rule, state_dtype=state_dtype)

    return dataclasses.replace(plain, make=make, identity=None)


def trained_on():
    """Name, task and number of steps of each kind of run."""
    # Entries alone are a run of their own.
    texts = [] if FLAGS.entry and FLAGS["task"].using_default_value else FLAGS.task
    small = [(text, text, steps) for text in texts for steps in FLAGS.steps]
    entries = suite.entries("development", FLAGS.entry, "middle") if FLAGS.entry else []
    return small + [(e.name, e.make(), max(1, round(e.steps * FLAGS.stretch))) for e in entries]


def main(argv):
    del argv
    made = [contender(preset, dtype) for preset in FLAGS.preset for dtype in DTYPES]
    lines = []
    for name, task, steps in trained_on():
        results = evaluation.evaluate(task, made, steps=steps, seeds=FLAGS.seeds, records=1)
        rows = {row.contestant.optimizer: row for row in results.summary()}
        for preset in FLAGS.preset:
            whole, half = (rows[f"{preset}, {dtype}"] for dtype in DTYPES)
            losses = [spread(row.train_loss) for row in (whole, half)]
            ratio = half.train_loss.median / whole.train_loss.median
            held_out = half.held_out_loss.median / whole.held_out_loss.median
            lines.append([name, steps, preset, *losses, f"{ratio:.3f}", f"{held_out:.3f}"])
            print(lines[-1], file=sys.stderr)
    header = ["task", "steps", "preset", *(f"train loss, {dtype}" for dtype in DTYPES)]
    print(markdown([*header, "their ratio", "ratio of held-out losses"], lines))


if __name__ == "__main__":
    app.run(main)
