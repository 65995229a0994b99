"""When many steps are skipped: a warning, once."""

import collections
import warnings

# More than this share of the last steps, and of no fewer than these, is worth a word.
SHARE, STEPS = 0.1, 100


class SkipWatch:
    """Watches the counters of an optimizer, and warns once.

    A plain object: it is made anew where an optimizer is loaded or copied.
    """

    def __init__(self):
        self._readings = collections.deque()
        self._warned = False

    def observe(self, taken, skipped):
        """Note how many steps were taken, and how many of them skipped; warn if it is due.

        Args:
            taken: Int, all steps so far.
            skipped: Int, those among them that were skipped.
        """
        if self._warned:
            return
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
                "(under mixed_float16 also those that overflow). To find out why, look for them in "
                "the data, as in np.isfinite(x).all(), and call "
                "tf.debugging.enable_check_numerics() before training with jit_compile=False: it "
                "stops at the first operation that makes one. `skipped_steps` of the optimizer "
                "goes on counting; this is said once.",
                stacklevel=2,
            )
