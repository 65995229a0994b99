"""The step of every shipped preset beside Keras's Adam: python -m benchmarks.preset_steps.

One kernel of 10^5 weights, or of fewer where a rule takes no more; with and without XLA, Adam and
the preset in turn; processor time on one thread, for a machine that others use. Writes
preset_steps.json, from which `tools.card_figures` takes what the cards say.
"""

import datetime
import json
import os
import pathlib

import keras
import tensorflow as tf
from absl import app, flags

from benchmarks import steps
from l2l_tf import presets
from l2l_tf.core.files import write_whole
from tools import timing

FLAGS = flags.FLAGS
FILE = pathlib.Path(__file__).parent / "results" / "preset_steps.json"
# A rule that keeps a matrix over all pairs of weights takes few.
WEIGHTS = (10**5, 32 * 32)

if __name__ == "__main__":
    flags.DEFINE_multi_string("preset", presets.list_presets(), "Preset; repeatable.")
    flags.DEFINE_integer("repeats", 7, "Interleaved repeats; their median counts.", 1)
    flags.DEFINE_string("output", str(FILE), "JSON file; other presets in it stay.")


def measure(name, sizes, repeats):
    """A preset's row of the file.

    Args:
        name: Preset.
        sizes: Numbers of weights, the largest first; the first that the rule takes counts.
        repeats: Interleaved repeats.

    Returns:
        Dict `weights`, and `jit` and `no_jit`: dicts `ns_per_weight`, `adam_ns_per_weight` and
        `times_adam`.

    Raises:
        ValueError: If the rule takes none of the sizes.
    """
    for weights in sizes:
        rows = steps.measure([weights], repeats, [steps.ADAM, name])
        if any("skipped" in row for row in rows):
            continue
        found = {"weights": weights}
        for key, jit in (("jit", True), ("no_jit", False)):
            adam, mine = (row for row in rows if row["jit"] == jit)
            found[key] = {
                "ns_per_weight": mine["ns_per_weight"],
                "adam_ns_per_weight": adam["ns_per_weight"],
                "times_adam": mine["times_adam"],
            }
        return found
    raise ValueError(f"The rule takes none of the sizes. Received: {name=}, {sizes=}")


def main(argv):
    del argv
    timing.use_one_core()
    path = pathlib.Path(FLAGS.output)
    content = json.loads(path.read_text()) if path.is_file() else {"presets": {}}
    content["about"] = {
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "repeats": FLAGS.repeats,
    }
    for name in FLAGS.preset:
        row = measure(name, WEIGHTS, FLAGS.repeats)
        content["presets"][name] = {**row, "date": datetime.date.today().isoformat()}
        content["presets"] = dict(sorted(content["presets"].items()))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    app.run(main)
