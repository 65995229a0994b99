"""A whole meta-training run in a directory: progress, summaries, checkpoints, preset."""

import math
import pathlib
import shutil
import signal

import keras
from tqdm import tqdm

from l2l_tf import presets, tasks
from l2l_tf.core.config import from_flags
from l2l_tf.core.files import write_whole
from l2l_tf.meta.callbacks import Checkpoint, TensorBoard
from l2l_tf.meta.card import write_preset
from l2l_tf.meta.estimators import ESTIMATORS
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.spread import Spread, strategy_of
from l2l_tf.meta.trainer import Trainer


def build(options, spread=None):
    """A `Trainer` from an object with the attributes of `l2l-train`'s flags.

    Args:
        options: The object.
        spread: `Spread` over replicas; None: this process alone.

    Raises:
        ValueError: If a task, rule or estimator is unknown, a number out of range, or a task's data
            set not on this machine.
        FileNotFoundError: If a file of a preset is missing.
        ImportError: If a package that a task's data needs is not installed.
    """
    train_tasks = [tasks.get(text) for text in options.task]
    validation = [tasks.get(text) for text in options.validation_task or options.task]
    for task in (*train_tasks, *validation):
        # What is missing, such as a data set, is told before there is anything to compile.
        task.init(tasks.as_seed(0))
        task.batch(tasks.as_seed(0), 0)
    if options.random_scaling:
        train_tasks = [from_flags(tasks.RandomScaling, options, task=t) for t in train_tasks]
    estimator = from_flags(ESTIMATORS.named(options.estimator), options)
    settings = from_flags(Settings, options)
    rule = _first_rule(options)
    return Trainer(
        rule, train_tasks, estimator, validation, settings, spread, options.partner or None
    )


def spread_by(strategy):
    """The `Spread` of a strategy's name; made before anything else of TensorFlow."""
    return Spread(strategy_of(strategy))


def _first_rule(options):
    """The rule that is trained; named alone, it begins with untrained weights."""
    if not options.start_from:
        return presets.resolve(options.rule or "lstm", untrained=True).rule
    start = presets.resolve(options.start_from, "start_from").rule
    if not options.rule:
        return start
    return presets.resolve(options.rule, untrained=True).rule.starting_from(start)


def train(trainer, output_dir, checkpoint_every, command):
    """Train to the end, or until SIGINT or SIGTERM; write a checkpoint, then the preset.

    A run that was stopped leaves the best preset so far; one in which no validation was finite
    leaves none.

    Args:
        trainer: `Trainer`.
        output_dir: Directory for `checkpoints/`, `summaries/` and `preset/`.
        checkpoint_every: Meta-steps between checkpoints.
        command: The command line, for the preset's card.

    Returns:
        None if the run came to its end, else the number of the signal that stopped it, here or in
        another process of the run.

    Raises:
        OSError: If the directory cannot be written; what was written before stays as it was.
    """
    output_dir = pathlib.Path(output_dir)
    stop, checkpoints = _StopRequest(), output_dir / "checkpoints"
    callbacks = [stop, Checkpoint(checkpoints, checkpoint_every)]
    writes = trainer.spread.writes
    if writes:
        remove_leftovers(output_dir)
        check_writable(checkpoints)
        callbacks.insert(1, TensorBoard(output_dir / "summaries"))
    with stop:
        trainer.fit(callbacks=callbacks, verbose=int(writes))
    if writes and math.isfinite(trainer.best_score):
        write_presets(trainer, output_dir, command)
    return None if trainer.finished else stop.signal_number


def remove_leftovers(output_dir):
    """Remove what processes that were killed had begun to write in the directory of a run."""
    for path in (output_dir / "checkpoints").glob(".*.partial"):
        path.unlink(missing_ok=True)
    for path in output_dir.glob(".preset.*"):
        shutil.rmtree(path, ignore_errors=True)


def check_writable(directory):
    """Raise an `OSError` unless files can be written there, before hours of work depend on it."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / ".probe"
    write_whole(probe, b"is there room?")
    probe.unlink()


def write_presets(trainer, output_dir, command):
    """The best rule so far as `output_dir/preset`, a partner's as `output_dir/partner/preset`."""
    output_dir = pathlib.Path(output_dir)
    write_preset(trainer, output_dir / "preset", command)
    if trainer.follower and math.isfinite(trainer.follower.best_score):
        write_preset(trainer.follower, output_dir / "partner" / "preset", command)


class _StopRequest(keras.callbacks.Callback):
    """Turns SIGINT and SIGTERM into a request to stop after the current meta-step.

    A signal to one of several processes stops all of them, the others as by SIGTERM.

    The second signal stops at once.
    """

    def __init__(self):
        super().__init__()
        self.signal_number = None
        self._previous = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._previous[number] = signal.signal(number, self._request)
            except ValueError:  # Not the main thread: whoever owns it handles signals.
                continue
        return self

    def __exit__(self, *exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def on_train_batch_end(self, batch, logs=None):
        if self.model.spread.anywhere(bool(self.signal_number)):
            self.signal_number = self.signal_number or int(signal.SIGTERM)
            self.model.stop_training = True

    def on_test_end(self, logs=None):
        self.on_train_batch_end(None)

    def _request(self, number, frame):
        del frame
        if self.signal_number:
            raise KeyboardInterrupt
        self.signal_number = int(number)
        tqdm.write("Stopping after this meta-step, with a checkpoint (again: at once).")
