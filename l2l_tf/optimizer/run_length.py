"""How long a training run is: told by `fit`, or by a loop of one's own."""

import keras

from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.rule_optimizer import RuleOptimizer
from l2l_tf.optimizer.stopping import may_end_early

MAX_EPOCHS = 100
AGEING = 3
# Passes over the data that a run of unknown length may well come to.
LIKELY_PASSES = 30


class RunLength(keras.callbacks.Callback):
    """Tells a `LearnedOptimizer` how many updates `fit` is going to take.

    `fit` adds this callback by itself where it is not given. An optimizer with `total_steps` of
    its own keeps them; other optimizers are left alone. A length is a promise, and stays unknown
    where it is not likely to be kept:

    - the number of batches or epochs is unknown, as with a generator;
    - there are more than 100 epochs (`MAX_EPOCHS`), which mostly means "until it is good";
    - a callback may end the run early (`may_end_early`): `EarlyStopping`, `ReduceLROnPlateau`,
      their subclasses, and callbacks whose code sets `stop_training`;
    - the slots have served two fits or more, which together took at least as many updates as
      this one will: whoever calls `fit` again and again is likely to do so once more.

    A second `fit` on the same slots goes on, and does not begin anew: each of the N updates
    before it counts as three (`AGEING`), so the optimizer takes a run of n updates for the last n
    of 3·N + n. One as long as the first starts in the last quarter, where steps are short; one
    that follows a trial of a few steps is hardly shortened.

    A run begins at epoch 0: with `initial_epoch` (or Keras's `BackupAndRestore`) the epochs
    before it count as done, so a run that was stopped and is resumed goes on where it was.

    An epoch counts as a pass over the data, and the optimizer hears how many there will be. In a
    run of unknown length these are `epochs` and those before it, but at most 30
    (`LIKELY_PASSES`), and the optimizer also hears where each epoch ends (`begin_epoch`): any may
    be the last, and held-out losses are measured there.

    What counts are updates, not batches. There are fewer with gradient accumulation, and more or
    fewer where a `train_step` applies gradients several times or only now and then, or a loss
    scale skips. How many updates a batch takes is measured after 1, 2, 4, … batches of the first
    epoch, then once an epoch, and the length corrected.
    """

    def __init__(self):
        super().__init__()
        self.beside = ()
        self._optimizer = None
        self._run = None
        self._epoch_began = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._optimizer = self._run = self._epoch_began = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Not at `on_train_begin`, where other callbacks may yet restore an earlier state.
        if self._optimizer is None:
            self._begin(rule_optimizer_of(self.model), epoch)
        elif self._run is not None:
            self._run.epoch = epoch
        if self._optimizer is not None and self._run is None:
            self._begin_epoch()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # At a batch's end Keras may call from another thread, when the next step has begun.
        if self._run is not None and self._run.due(batch):
            BACKEND.sync(self.model)
            before = self._run.total()
            self._run.observe(batch, _applied(self._optimizer))
            if self._run.total() != before:
                self._run.tell(self._optimizer)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._optimizer is not None and epoch + 1 == (self.params or {}).get("epochs"):
            self._optimizer.fit_ended_at = _applied(self._optimizer)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._optimizer is not None:
            self._optimizer.begin_run(None)
        self._optimizer = self._run = None

    def _begin_epoch(self):
        """Tell the optimizer how many updates come until the weights are looked at."""
        done = int(self._optimizer.iterations.numpy())
        if self._epoch_began is None:
            batches = (self.params or {}).get("steps")
            every = self._optimizer.gradient_accumulation_steps or 1
            steps = max(batches // every, 1) if batches else None
        else:  # As many as in the last one, whatever a batch takes.
            steps = done - self._epoch_began or None
        self._optimizer.begin_epoch(steps)
        self._epoch_began = done

    def _begin(self, optimizer, epoch):
        if optimizer is None:
            return
        params, applied = self.params or {}, _applied(optimizer)
        batches, epochs = params.get("steps"), params.get("epochs")
        every = optimizer.gradient_accumulation_steps or 1
        if optimizer.total_steps is not None:
            taken = optimizer.total_steps * every
            optimizer.tell_passes(max(taken / batches, 1.0) if batches else None)
            return
        self._optimizer = optimizer
        before = max(optimizer.fits, 1) if applied else 0
        optimizer.fits = before + 1
        optimizer.begin_run(None, passes=_likely_passes(batches, epochs, applied))
        if not batches or not epochs:
            return
        optimizer.steps_ahead = batches * epochs // every
        if epochs > MAX_EPOCHS:
            return
        if any(may_end_early(callback) for callback in self.beside):
            return
        # With `initial_epoch` a run is resumed, unless the one before came to its end.
        follows = applied > 0 and (epoch == 0 or optimizer.fit_ended_at == applied)
        run = _Run(batches, epochs, epoch, applied, follows)
        run.every = every
        if not follows or before < 2 or run.left() > applied:
            self._run = run
            run.tell(optimizer)


class _Run:
    """One `fit` of a length told: counts applied gradients, each a batch until seen otherwise.

    Args:
        batches: Batches of an epoch.
        epochs: Number of the last epoch, as `fit` counts.
        epoch: Number of the first one.
        applied: Gradients that the optimizer had applied before.
        follows: Whether these belong to runs before this one.
    """

    def __init__(self, batches, epochs, epoch, applied, follows):
        self.batches, self.epochs, self.first = batches, epochs, epoch
        self.before, self.follows = applied, follows
        self.every = 1
        self.epoch = epoch
        self.rate = 1.0
        self.seen, self.applied, self.at_epoch = 0, applied, applied

    def due(self, batch):
        """Whether to look at what batches take: soon in the first epoch, then once in each."""
        if self.epoch > self.first:
            return batch == 0
        return batch >= max(1, 2 * self.seen)

    def observe(self, batch, applied):
        """Take note of the gradients applied before batch `batch` of this epoch."""
        if batch == 0:  # What the last epoch took as a whole, which may be more than its batches.
            since, known = self.batches, self.at_epoch
            self.at_epoch = applied
        else:
            since, known = batch - self.seen, self.applied
        # No step at all is a loss scale that still falls, or another optimizer's turn.
        self.rate = (applied - known) / since or self.rate
        self.seen = (self.epoch - self.first) * self.batches + batch
        self.applied = applied

    def left(self):
        """Gradients yet to be applied."""
        return round(self.rate * ((self.epochs - self.first) * self.batches - self.seen))

    def total(self):
        """Updates of the whole run."""
        return max((self.applied + self.left()) // self.every - self._start(), 1)

    def tell(self, optimizer):
        """Tell the optimizer the length, how much of it is done, and how often rows come again."""
        total, in_a_pass = self.total(), self.rate * self.batches / self.every
        done = self.applied // self.every - self._start()
        optimizer.begin_run(total, done, passes=max(total / in_a_pass, 1.0))

    def _start(self):
        done = AGEING * self.before if self.follows else self.rate * self.first * self.batches
        return (self.before - round(done)) // self.every


def rule_optimizer_of(model):
    """The `RuleOptimizer` that a model trains with, also inside a `LossScaleOptimizer`, or None."""
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return optimizer if isinstance(optimizer, RuleOptimizer) else None


def _likely_passes(batches, epochs, applied):
    """Passes that a run of unknown length may well come to, or None."""
    before = applied / batches if batches else 0
    return min(epochs + before, LIKELY_PASSES) if epochs else None


def _applied(optimizer):
    # `optimizer.iterations` counts updates; several gradients make one under accumulation.
    return int(optimizer._iterations.numpy())
