"""What a rule's `Context` is made of: the loss, the length of the run, its epochs."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops
from keras.src.utils import tracking

from l2l_tf import rules
from l2l_tf.core.scalars import unkept
from l2l_tf.optimizer import checks, observed_loss
from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.variables import scalar


class ContextKeeping:
    """The part of a `RuleOptimizer` that keeps what its rule may know of the run."""

    # What `RunLength` knows of earlier fits; no state that a file would hold.
    fits = 0
    # Batches of `train_on_batch`, which no callback sees.
    batches_alone = 0
    fit_ended_at = None
    # Whether a `CallbackList` is beginning a run, and with it the lists that it holds.
    fit_begins = False
    # Whether the user has said if there is another player.
    contest_is_known = False
    # Steps that the run of now may come to, whether they are promised or not; None if unknown.
    steps_ahead = None
    # Within a trainer's step under JAX: whose `loss` is set instead, and who unpacks it again.
    heard = carried = None
    # The loss of the next `apply`, where it was given beforehand.
    _given_loss = None

    def _make_loss_variable(self):
        # Sum over replicas: Keras passes each one its share of the global loss.
        self._loss = scalar(np.nan, "float32", "loss", aggregation="sum")

    def _make_run_variables(self, total_steps):
        length = np.nan if total_steps is None else total_steps
        self._run_length = scalar(length, "float32", "run_length")
        self._run_start = scalar(0, "int", "run_start")
        # No state: they are found out anew where an optimizer is loaded, and whoever goes on
        # with a run says again how often it passes over its data, and by how many rows a step.
        with tracking.DotNotTrackScope():
            self._contested = scalar(False, "bool", "contested")
            self._passes = scalar(np.nan, "float32", "passes")
            self._batch_rows = scalar(np.nan, "float32", "batch_rows")
            self._epoch_start = scalar(0, "int", "epoch_start")
            self._epoch_steps = scalar(np.nan, "float32", "epoch_steps")

    # The loss.

    def scale_loss(self, loss: Any) -> Any:
        """Note the loss for the rule, and scale it as Keras does."""
        self.observe_loss(loss)
        return super().scale_loss(loss)

    def observe_loss(self, loss: Any) -> None:
        """Tell the rule the loss whose gradients come with the next `apply`.

        With gradient accumulation the mean over the accumulated steps counts.

        Args:
            loss: Scalar.
        """
        loss = unkept(loss, "float32")
        if self.heard is not None:
            self.heard.loss = loss
            return
        self._loss.assign(observed_loss.noted(loss, *self._loss_so_far()))

    @contextlib.contextmanager
    def with_loss(self, loss: Any) -> Iterator[None]:
        """Context in which `apply` knows its loss, a scalar; None changes nothing."""
        before = self._given_loss
        self._given_loss = before if loss is None else loss
        try:
            yield
        finally:
            self._given_loss = before

    def observe_given_loss(self) -> None:
        """Tell the rule the loss that `with_loss` gave, if it gave one."""
        if self._given_loss is not None:
            self.observe_loss(self._given_loss)

    def forget_loss(self) -> None:
        """The loss counted for one `apply`: forget it, but within an accumulation."""
        self._loss.assign(observed_loss.left(*self._loss_so_far()))

    def _loss_so_far(self):
        remembered, calls = map(BACKEND.tensor, (self._loss.value, self._iterations.value))
        return remembered, calls, self.gradient_accumulation_steps

    # The run.

    def begin_run(
        self,
        total_steps: int | None = None,
        steps_done: int = 0,
        passes: float | None = None,
    ) -> None:
        """Tell the rule that a run begins now, and how long it is.

        `fit` does so by itself. A loop of one's own calls it before the first step, or at any
        later one (nothing is traced again). Slots and `iterations` stay as they are.

        Args:
            total_steps: Updates of the whole run; None if unknown: then the run counts as
                begun with the optimizer's first update.
            steps_done: Updates of this run that were taken before, where one is resumed.
            passes: How often the run passes over its data (epochs); None if unknown. Where rows
                come again, their agreement says little about rows that were never seen.

        Raises:
            ValueError: If `total_steps` or `passes` is not positive.
        """
        checks.check_total_steps(total_steps)
        known = total_steps is not None
        self._run_length.assign(total_steps if known else np.nan)
        taken = BACKEND.tensor(self.iterations)
        self._run_start.assign(taken - steps_done if known else 0)
        self.steps_ahead = total_steps
        self.tell_passes(passes)
        self.begin_epoch(None)

    def begin_epoch(self, steps: int | None = None) -> None:
        """Tell the rule that an epoch begins now, at whose end the weights are looked at.

        In a run of unknown length steps become shorter towards that end, so that any epoch may
        be the last. `fit` does so by itself.

        Args:
            steps: Updates that the epoch takes; None if unknown.

        Raises:
            ValueError: If it is not positive.
        """
        checks.check_epoch_steps(steps)
        self._epoch_steps.assign(np.nan if steps is None else steps)
        # A sum is an array of its own: one that two variables hold cannot be donated under JAX.
        self._epoch_start.assign(BACKEND.tensor(self.iterations) + 0)

    def tell_passes(self, passes: float | None) -> None:
        """Tell the rule how often the run passes over its data, and nothing else.

        Args:
            passes: Number of passes (epochs); None if unknown.

        Raises:
            ValueError: If it is not positive.
        """
        checks.check_passes(passes)
        self._passes.assign(np.nan if passes is None else passes)

    def tell_batch_rows(self, rows: int | None) -> None:
        """Tell the rule how many rows a batch has: the fewer, the noisier a gradient is.

        `fit` does so by itself, and takes it back at its end.

        Args:
            rows: Rows whose mean gradient comes with a batch; None if unknown. Those of all
                batches that are accumulated for an update are counted by the optimizer.

        Raises:
            ValueError: If it is not positive.
        """
        checks.check_batch_rows(rows)
        every = self.gradient_accumulation_steps or 1
        self._batch_rows.assign(np.nan if rows is None else rows * every)

    # The rule's side.

    def _context(self):
        # A step that was skipped is one of the run, but the slots have seen nothing of it. What was
        # skipped within an accumulation takes no update away.
        skipped = BACKEND.tensor(self._skipped_steps.value)
        unseen = ops.zeros_like(skipped) if self.gradient_accumulation_steps else skipped
        contested = BACKEND.tensor(self._contested.value)
        loss = BACKEND.tensor(self._loss.value)
        return rules.Context(
            iteration=BACKEND.tensor(self.iterations) - unseen,
            # A loss that falls by another's move says nothing of this one's.
            loss=ops.where(contested, ops.cast(np.nan, loss.dtype), loss),
            total_steps=self._known_length(),
            run_start=BACKEND.tensor(self._run_start.value) - unseen,
            passes=BACKEND.tensor(self._passes.value),
            batch_rows=BACKEND.tensor(self._batch_rows.value),
            contested=contested,
            epoch_start=BACKEND.tensor(self._epoch_start.value) - unseen,
            epoch_steps=BACKEND.tensor(self._epoch_steps.value),
        )

    def contest(self, contested: bool = True) -> None:
        """Tell the rule whether another optimizer's steps change this one's loss.

        Optimizers that are applied in turns, or in one traced program, find that out by
        themselves. Where each net has its step in a `tf.function` of its own, call it for both.
        What is said here stays: `contest(False)` is for two optimizers that share one loss.
        """
        self.contest_is_known = True
        self.notice_contest(contested)

    def notice_contest(self, contested: Any) -> None:
        """As `contest`, but as a guess, which what a user says goes before."""
        with BACKEND.outside():
            self._contested.assign(contested)

    def _known_length(self):
        # No run has length zero: someone wrote zeros over the state, to train anew.
        length = BACKEND.tensor(self._run_length.value)
        otherwise = ops.cast(self.total_steps or np.nan, length.dtype)
        return ops.where(length == 0, otherwise, length)
