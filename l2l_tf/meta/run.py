"""A whole meta-training run in a directory: progress, summaries, checkpoints, preset."""

import datetime
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
        ValueError: If a task, rule or estimator is unknown, or a number out of range.
        FileNotFoundError: If a file of a preset is missing.
    """
    train_tasks = [tasks.get(text) for text in options.task]
    validation = [tasks.get(text) for text in options.validation_task or options.task]
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
    write_preset(trainer, output_dir, command)
    if trainer.follower and math.isfinite(trainer.follower.best_score):
        write_preset(trainer.follower, pathlib.Path(output_dir) / "partner", command)


def write_preset(trainer, output_dir, command):
    """The best rule so far as a preset in `output_dir/preset`, with its card."""
    history = "\n".join(
        f"| {h['meta_step']} | {h['score']:.4f} | "
        + " | ".join(f"{v:.4g}" for k, v in h.items() if k.startswith("final_loss"))
        + " |"
        for h in _thinned(trainer.validations)
    )
    finals = " | ".join(f"final loss of task {i}" for i in range(len(trainer.validation_tasks)))
    described = trainer.describe()
    card = f"""# A meta-trained `{described["rule"]["name"]}`

- Command: `{command}`
- Rule: `{trainer.rule!r}`
- Meta-trained on: {", ".join(f"`{t}`" for t in described["tasks"])}
- Validated on (other seeds, never trained on): {
        ", ".join(f"`{t}`" for t in described["validation_tasks"])
    }
- Seed: {trainer.settings.seed}
- Meta-steps: {trainer.meta_step} of {trainer.settings.meta_steps}, the best at {
        trainer.best_step
    }; skipped as not finite: {trainer.skipped}
- Seconds in meta-steps: {trainer.seconds:.0f}
- Written: {datetime.date.today().isoformat()}

Validation along the run (score: mean over optimizees of the log of the mean loss, weighted as
the meta-loss is):

| meta-step | score | {finals} |
|---|---|{"---|" * len(trainer.validation_tasks)}
{history}
"""
    presets.save_preset(
        pathlib.Path(output_dir) / "preset",
        trainer.best_rule(),
        card,
        extra={"meta_training": described},
    )


def _thinned(history, max_rows=25):
    stride = -(-len(history) // max_rows)
    return [h for i, h in enumerate(history) if i % stride == 0 or i == len(history) - 1]


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
