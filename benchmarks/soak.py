"""Whether long runs keep their memory: a million steps of a small model, hours of meta-training,
one meta-training after another.

    python -m benchmarks.soak --what=steps --steps=1000000
    python -m benchmarks.soak --what=meta --hours=6 -- --rule=rnnprop --task=digits_mlp
    python -m benchmarks.soak --what=trainers --trainers=10
    python -m benchmarks.soak --what=functions --trainers=10 --jit_compile

The second passes what stands behind `--` on to `l2l-train`, which it ends by SIGTERM. The fourth
has functions of TensorFlow's own in the trainers' place, nothing of this package. Prints a summary
and writes soak-steps.json, soak-meta.json, soak-trainers.json or soak-functions.json (with
--jit_compile soak-trainers-xla.json and soak-functions-xla.json), anew at each reading: a soak that
is ended before its time leaves what it saw.
"""

import datetime
import functools
import gc
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from l2l_tf import LearnedOptimizer, meta
from l2l_tf.core.files import to_json, write_whole

FLAGS = flags.FLAGS
STEPS_PER_EXECUTION = 20
META_STEPS = 10**9  # More than any soak takes: it is ended by its time.

if __name__ == "__main__":
    flags.DEFINE_enum("what", "steps", ["steps", "meta", "trainers", "functions"], "See above.")
    flags.DEFINE_integer("steps", 10**6, "Optimizer steps.", 1)
    flags.DEFINE_integer("trainers", 10, "Meta-trainings, or functions, one after another.", 2)
    flags.DEFINE_string("rule", None, "Rule or preset; None: the default; of trainers rnnprop.")
    flags.DEFINE_bool("jit_compile", False, "Whether XLA compiles steps, or meta-steps.")
    flags.DEFINE_float("hours", 1.0, "Hours of meta-training.", 0)
    flags.DEFINE_float("seconds_between", 30.0, "Seconds between readings of memory.", 0)
    flags.DEFINE_string("output_dir", "benchmarks/results", "Where the JSON goes.")


class Readings(keras.callbacks.Callback):
    """Memory and traces of a process at the end of each epoch."""

    def __init__(self, traced, keep):
        super().__init__()
        self.traced, self.keep = traced, keep
        self.rows, self.started = [], time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(
            {
                "hours": (time.monotonic() - self.started) / 3600,
                "steps": int(self.model.optimizer.iterations),
                "mebibytes": mebibytes(os.getpid()),
                "traces": len(self.traced),
                "loss": float(logs["loss"]),
            }
        )
        self.keep(self.rows)


def mebibytes(pid):
    """Resident memory of a process, its private and shared pages."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def own_mebibytes(pid):
    """What of it is the process's alone: no libraries', which the system takes and gives back."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 2**10


def newest_step(directory):
    """Meta-steps done at the newest checkpoint of a run, 0 before the first."""
    names = [path.stem for path in pathlib.Path(directory, "checkpoints").glob("checkpoint-*.npz")]
    return max((int(name.rpartition("-")[2]) for name in names), default=0)


def soak_steps(steps, rule, jit_compile=False, keep=lambda rows: None, epochs=100):
    """A perceptron of 8-16-1 on 256 rows, trained by `fit` on batches of 32.

    Args:
        steps: Optimizer steps.
        rule: Rule or preset; None: the default.
        jit_compile: Whether XLA compiles them.
        keep: Called with the rows so far after each reading.
        epochs: Readings of memory along the run.

    Returns:
        List of dicts: `hours`, `steps`, `mebibytes`, `traces`, `loss`.
    """
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(256, 8)).astype("float32")
    y = np.sin(x @ generator.normal(size=(8, 1))).astype("float32")
    traced = []

    class Counting(LearnedOptimizer):
        def apply(self, grads, trainable_variables=None):
            traced.append(1)  # Runs while a step is traced, and not when it is taken.
            super().apply(grads, trainable_variables)

    model = keras.Sequential([keras.layers.Dense(16, "tanh"), keras.layers.Dense(1)])
    model.compile(
        Counting(rule=rule),
        "mse",
        steps_per_execution=STEPS_PER_EXECUTION,
        jit_compile=jit_compile or "auto",
    )
    readings = Readings(traced, keep)
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(256, seed=0).batch(32).repeat()
    per_epoch = max(steps // epochs, STEPS_PER_EXECUTION)
    model.fit(data, steps_per_epoch=per_epoch, epochs=epochs, verbose=0, callbacks=[readings])
    return readings.rows


def soak_meta(hours, seconds_between, arguments, keep=lambda rows: None):
    """`l2l-train` on one thread, its memory read now and then until its time is over.

    Args:
        hours: When it is sent SIGTERM.
        seconds_between: Between readings.
        arguments: List of flags for it.
        keep: Called with the rows so far after each reading.

    Returns:
        List of dicts: `hours`, `mebibytes`, `own_mebibytes` and `checkpoint`, the meta-steps of the
        newest; the last one also `exit_code` and what the card tells of `meta_steps`.
    """
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with tempfile.TemporaryDirectory() as directory:
        program = subprocess.Popen(
            [
                *(sys.executable, "-m", "l2l_tf.cli.train", *arguments),
                *(f"--output_dir={directory}", f"--meta_steps={META_STEPS}"),
            ],
            env=os.environ | threads,
            stderr=subprocess.DEVNULL,
        )
        started, rows = time.monotonic(), []
        while (passed := time.monotonic() - started) < 3600 * hours:
            try:
                code = program.wait(min(seconds_between, 3600 * hours - passed))
                raise RuntimeError(f"l2l-train ended before its time. Received: exit code {code}")
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - started
                rows.append(
                    {
                        "hours": passed / 3600,
                        "mebibytes": mebibytes(program.pid),
                        "own_mebibytes": own_mebibytes(program.pid),
                        "checkpoint": newest_step(directory),
                    }
                )
                keep(rows)
        program.send_signal(signal.SIGTERM)
        rows[-1]["exit_code"] = program.wait()
        card = (pathlib.Path(directory) / "preset" / "card.md").read_text()
        rows[-1]["meta_steps"] = next(r for r in card.splitlines() if r.startswith("- Meta-steps"))
    return rows


def soak_dropped(count, run, keep=lambda rows: None):
    """Something that is made, run and dropped again and again in one process.

    Args:
        count: How often.
        run: Function without arguments.
        keep: Called with the rows so far after each of them.

    Returns:
        List of dicts: `hours`, `trainers` so far, `mebibytes`, and `maps`, the stretches of memory
        that the process has, of which Linux allows so many (`vm.max_map_count`).
    """
    started, rows = time.monotonic(), []
    for number in range(1, count + 1):
        run()
        gc.collect()
        gc.collect()  # TensorFlow lets go of some after the first.
        passed = (time.monotonic() - started) / 3600
        memory = {"mebibytes": mebibytes(os.getpid()), "maps": maps(os.getpid())}
        rows.append({"hours": passed, "trainers": number, **memory})
        keep(rows)
    return rows


def maps(pid):
    """How many stretches of memory a process has."""
    return len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())


def train_and_drop(rule, jit_compile):
    """A short meta-training.

    Args:
        rule: Rule or preset.
        jit_compile: Whether XLA compiles it.
    """
    meta.Trainer(
        rule,
        ["digits_mlp(hidden=8,batch_size=8)"],
        trajectories=(20,),
        meta_steps=2,
        num_validation_tasks=2,
        jit_compile=jit_compile,
    ).fit(verbose=0)


def call_and_drop(jit_compile):
    """A function of forty products of 20×20 and its gradient, TensorFlow's alone.

    Args:
        jit_compile: Whether XLA compiles it.
    """

    @tf.function(jit_compile=jit_compile, autograph=False, reduce_retracing=True)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for number in range(40):
                y = tf.tanh(tf.matmul(y, tf.fill([20, 20], 0.1)) + float(number))
                y /= 1.0 + tf.reduce_mean(tf.square(y), axis=-1, keepdims=True)
        return tape.gradient(y, x)

    gradient(tf.ones([30, 20]))


def each(rows, name):
    """What a trainer leaves behind of a reading: its slope over trainers, but for the first."""
    values = [row[name] for row in rows[1:]]
    return float(np.polyfit(range(len(values)), values, 1)[0]) if values[1:] else float("nan")


def summary(rows):
    """Memory along a run: after its first tenth, at its end, and its slope between them.

    Args:
        rows: List of dicts with `hours`, `mebibytes` and perhaps `own_mebibytes`.

    Returns:
        Dict: medians of the second and the last tenth of the rows, the slope of a line through all
        but the first tenth, in MiB per hour, and that through their second half; the same of
        `own_mebibytes`.
    """
    tenth = max(len(rows) // 10, 1)
    settled = rows[tenth:] or rows
    found = {"hours": rows[-1]["hours"]}
    for name in ("mebibytes", "own_mebibytes"):
        if name in rows[0]:
            found |= {
                f"early_{name}": statistics.median(r[name] for r in settled[:tenth]),
                f"late_{name}": statistics.median(r[name] for r in rows[-tenth:]),
                f"{name}_per_hour": _slope(settled, name),
                f"{name}_per_hour_of_second_half": _slope(rows[len(rows) // 2 :], name),
            }
    return found


def _slope(rows, name):
    if len(rows) < 2:
        return float("nan")
    return float(np.polyfit([r["hours"] for r in rows], [r[name] for r in rows], 1)[0])


def _rounded(row):
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}


def report(rows, arguments):
    """Write what was read so far; returns it as a dict."""
    dropped = FLAGS.what in ("trainers", "functions")
    results = {
        "date": datetime.date.today().isoformat(),
        "processor": platform.processor() or platform.machine(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "rule": FLAGS.rule or {"trainers": "rnnprop", "functions": ""}.get(FLAGS.what, "default"),
        "arguments": arguments,
        **({"jit_compile": FLAGS.jit_compile} if FLAGS.what != "meta" else {}),
        **summary(rows),
        **({f"{name}_each": each(rows, name) for name in ("mebibytes", "maps")} if dropped else {}),
        "last": rows[-1],
        "readings": [_rounded(row) for row in rows[:: max(len(rows) // 25, 1)]],
    }
    compiled = "-xla" if dropped and FLAGS.jit_compile else ""
    path = pathlib.Path(FLAGS.output_dir) / f"soak-{FLAGS.what}{compiled}.json"
    write_whole(path, to_json(results, indent=1))
    return results


def main(argv):
    arguments = argv[1:]

    def keep(rows):
        return report(rows, arguments)

    if FLAGS.what == "steps":
        rows = soak_steps(FLAGS.steps, FLAGS.rule, FLAGS.jit_compile, keep)
    elif FLAGS.what == "trainers":
        run = functools.partial(train_and_drop, FLAGS.rule or "rnnprop", FLAGS.jit_compile)
        rows = soak_dropped(FLAGS.trainers, run, keep)
    elif FLAGS.what == "functions":
        run = functools.partial(call_and_drop, FLAGS.jit_compile)
        rows = soak_dropped(FLAGS.trainers, run, keep)
    else:
        rows = soak_meta(FLAGS.hours, FLAGS.seconds_between, arguments, keep)
    results = keep(rows)
    for name in ("hours", *(n for n in results if "mebibytes" in n or "maps" in n), "last"):
        print(f"{name}: {results[name]}")


if __name__ == "__main__":
    app.run(main)
