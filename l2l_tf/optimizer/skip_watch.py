"""When steps are skipped: a warning where they are many, or an error at the first."""

import collections
import math
import warnings

import keras

from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.variables import scalar

# More than this share of the last steps, and of no fewer than these, is worth a word.
SHARE, STEPS = 0.1, 100
# So often in a row a loss scale is halved: from any scale that it starts with or has grown to.
HALVINGS = 40
SKIP, RAISE = CHOICES = ("skip", "raise")
REASONS = (
    "To find out why, look for them in the data, as in np.isfinite(x).all(), and call "
    "tf.debugging.enable_check_numerics() before training with jit_compile=False: it stops at "
    "the first operation that makes one."
)


class SkipWatch:
    """Watches the counters of an optimizer, and warns once, or raises.

    A plain object: it is made anew where an optimizer is loaded or copied.

    Args:
        nonfinite: "skip" to warn where many steps are skipped, "raise" for an error at the first.
    """

    def __init__(self, nonfinite=SKIP):
        self.raises = nonfinite == RAISE
        self._readings = collections.deque()
        self._warned = False
        self._taken = self._skipped = 0

    def start_at(self, taken, skipped):
        """Begin to count here: what was skipped before, by another process, say, is no news."""
        self._taken, self._skipped = int(taken), int(skipped)

    def observe(self, taken, skipped, loss_scaled=False):
        """Note how many steps were taken, and how many of them skipped; warn or raise if it is due.

        Args:
            taken: Int, all steps so far.
            skipped: Int, those among them that were skipped.
            loss_scaled: Whether a loss scale is around the optimizer, which looks for the largest
                scale by steps that overflow.

        Raises:
            FloatingPointError: If it raises, and a step was skipped; under a loss scale, if none
                of the last `HALVINGS` was taken.
        """
        if self.raises:
            self._refuse(taken, skipped, loss_scaled)
        elif not self._warned:
            self._warn_of_many(taken, skipped)

    def check_loss(self, loss, loss_scaled=False):
        """Raise a `FloatingPointError` if it raises, and a loss is NaN or infinite.

        Args:
            loss: Float, or None where it is not known.
            loss_scaled: Whether a loss scale is around the optimizer.
        """
        if self.raises and not loss_scaled and loss is not None and not math.isfinite(loss):
            raise FloatingPointError(
                f"The loss is not finite, though all gradients are. {REASONS} Received: {loss=}"
            )

    def _refuse(self, taken, skipped, loss_scaled):
        steps, bad = taken - self._taken, skipped - self._skipped
        if loss_scaled and 0 < steps == bad < HALVINGS:
            return  # The scale may still be too large.
        self.start_at(taken, skipped)
        if bad > 0 and (not loss_scaled or bad == steps):
            raise FloatingPointError(
                "Gradients hold NaN or Inf. Their steps were skipped: weights and state are those "
                f"of the step before. {REASONS} Received: skipped steps={bad}, the last of them "
                f"up to step {taken}"
            )

    def _warn_of_many(self, taken, skipped):
        readings = self._readings
        if readings and taken < readings[-1][0]:
            readings.clear()  # The optimizer was reset, or another state was loaded.
        readings.append((taken, skipped))
        while len(readings) > 1 and readings[1][0] <= taken - STEPS:
            readings.popleft()
        steps, bad = taken - readings[0][0], skipped - readings[0][1]
        if bad > SHARE * max(steps, STEPS):
            self._warned = True
            warnings.warn(
                f"{bad} of the last {steps} steps were skipped: their gradients hold NaN or Inf "
                f"(under mixed_float16 also those that overflow). {REASONS} `skipped_steps` of the "
                "optimizer goes on counting; this is said once.",
                stacklevel=3,
            )


class Skipping:
    """The part of a `RuleOptimizer` that skips steps whose gradients are not finite."""

    # Whether a loss scale is around this optimizer and skips steps that overflow.
    loss_scaled = False

    def _make_skip_counter(self, nonfinite):
        self._skip_watch = SkipWatch(nonfinite)
        self._skipped_steps = scalar(0, "int", "skipped_steps")

    @property
    def skipped_steps(self) -> keras.Variable:
        """Number of steps skipped because a gradient held NaN or Inf."""
        return self._skipped_steps

    def count_skipped(self) -> None:
        """Count a step as taken and skipped."""
        self._iterations.assign_add(1)
        self._skipped_steps.assign_add(1)

    def skip_step(self) -> None:
        """Skip a step whose gradients are not worth applying, and forget its loss."""
        self.count_skipped()
        self.forget_loss()
        if not BACKEND.across_replicas() and not BACKEND.tracing():
            self.watch_skips()

    def watch_skips(self, model: keras.Model | None = None) -> None:
        """Warn, once, if many of the last steps were skipped; with `nonfinite="raise"` raise.

        `fit` and eager loops do so by themselves; a loop whose step is traced calls it now
        and then.

        Args:
            model: The model that is being trained by `fit`, if one is.

        Raises:
            FloatingPointError: If steps are not to be skipped, and one was since the last call.
        """
        self._skip_watch.observe(*self._taken_and_skipped(model), self.loss_scaled)

    def begin_to_watch_skips(self, model: keras.Model | None = None) -> None:
        """As `watch_skips`, at a beginning: steps that were skipped before are no news."""
        self._skip_watch.start_at(*self._taken_and_skipped(model))
        self.watch_skips(model)

    def _taken_and_skipped(self, model=None):
        counters = (self._iterations, self._skipped_steps)
        return [int(BACKEND.current(model, counter)) for counter in counters]

    def watch_loss(self, loss: float | None) -> None:
        """With `nonfinite="raise"`, raise a `FloatingPointError` if the loss is not finite.

        Args:
            loss: Float; None if it is not known.
        """
        self._skip_watch.check_loss(loss, self.loss_scaled)
