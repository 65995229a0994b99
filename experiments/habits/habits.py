"""What users do with `fit`: each habit is a function that trains a learner."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

BATCH, EPOCHS = 32, 30


@dataclasses.dataclass(frozen=True)
class Habit:
    """One way to call `fit`.

    Attributes:
        name: Its name in results.
        text: What a user writes.
        run: Function of a `Learner` and the train rows `(inputs, labels)`, which trains it.
        honest: The same for the run whose true length is told: a function of learner, rows
            and the number of epochs that `run` came to; None: `run` tells it itself.
        kind: Of the data; see `data.splits`.
    """

    name: str
    text: str
    run: Callable
    honest: Callable | None = None
    kind: str = ""


class StopAfter(keras.callbacks.Callback):
    """A user's own callback that stops after some epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 >= self.epochs:
            self.model.stop_training = True


def fit(learner, rows, epochs, **arguments):
    """`fit` with batches of 32 rows."""
    learner.fit(*rows, epochs=epochs, **{"batch_size": BATCH, **arguments})


def for_epochs(epochs, **arguments):
    """A habit: one `fit` of so many epochs."""
    return lambda learner, rows: fit(learner, rows, epochs, **arguments)


def early_stopping(restore):
    """A habit: far too many epochs, stopped when the held-out loss no longer falls."""

    def run(learner, rows):
        stopping = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=restore)
        fit(learner, rows, 1000, callbacks=[stopping])

    return run


def plateau(learner, rows):
    """A tenth of the rate whenever the held-out loss has not fallen for five epochs."""
    fit(learner, rows, 2 * EPOCHS, callbacks=[keras.callbacks.ReduceLROnPlateau(patience=5)])


def short_fits(learner, rows):
    """A loop of one's own around `fit`."""
    for _ in range(EPOCHS):
        fit(learner, rows, 1)


def generator(learner, rows):
    """Batches of unknown number."""
    batches = tf.data.Dataset.from_tensor_slices(rows).shuffle(10_000).batch(BATCH)
    specification = batches.element_spec
    unknown = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=specification)
    learner.fit(unknown, epochs=EPOCHS)


def steps(count):
    """A habit: so many steps in all, in ten parts."""

    def run(learner, rows):
        batches = tf.data.Dataset.from_tensor_slices(rows).shuffle(10_000).repeat().batch(BATCH)
        learner.fit(batches, epochs=10, steps_per_epoch=count // 10)

    return run


def resumed(learner, rows):
    """Stopped half-way, and resumed with batches four times as large."""
    half = EPOCHS // 2
    fit(learner, rows, EPOCHS, interrupted_after=half)
    fit(learner, rows, EPOCHS, initial_epoch=half, batch_size=4 * BATCH)


def second(epochs, more):
    """A habit: a `fit` of a trained model."""

    def run(learner, rows):
        fit(learner, rows, epochs)
        fit(learner, rows, more)

    return run


def honestly(learner, rows, epochs):
    """One `fit` of the true length."""
    fit(learner, rows, epochs)


def honestly_told(learner, rows, epochs):
    """The same where `fit` itself would promise nothing: as if told by `total_steps`."""
    learner.optimizer.total_steps = float(epochs * -(-len(rows[0]) // BATCH))
    learner.optimizer.begin_run(learner.optimizer.total_steps)
    fit(learner, rows, epochs)


HABITS = (
    Habit("told", "epochs=30, taken to the end", for_epochs(EPOCHS)),
    Habit(
        "told_3x",
        "epochs=30, Ctrl-C after 10",
        for_epochs(EPOCHS, interrupted_after=EPOCHS // 3),
        honestly,
    ),
    Habit("told_30x", "epochs=90, Ctrl-C after 3", for_epochs(90, interrupted_after=3), honestly),
    Habit(
        "stopped_30x",
        "epochs=300, a callback of one's own stops after 10",
        for_epochs(300, callbacks=[StopAfter(10)]),
        honestly,
    ),
    Habit("hundreds", "epochs=120, taken to the end", for_epochs(120), honestly_told),
    Habit("early", "epochs=1000, EarlyStopping(patience=10)", early_stopping(False), honestly_told),
    Habit("early_best", "the same, restore_best_weights", early_stopping(True), honestly_told),
    Habit("plateau", "epochs=60, ReduceLROnPlateau(patience=5)", plateau, honestly),
    Habit("short_fits", "30 times fit(epochs=1)", short_fits, honestly),
    Habit("generator", "a generator, epochs=30", generator, honestly),
    Habit("steps_30", "30 steps in all", steps(30)),
    Habit("steps_100", "100 steps in all", steps(100)),
    Habit("raw", "epochs=30, columns as measured", for_epochs(EPOCHS), kind="raw"),
    Habit("noisy", "epochs=30, a fifth of the labels wrong", for_epochs(EPOCHS), kind="noisy"),
    Habit(
        "noisy_early",
        "the same, epochs=1000, EarlyStopping(patience=10)",
        early_stopping(False),
        honestly_told,
        kind="noisy",
    ),
    Habit("resumed", "epochs=30, resumed after 15 with batches of 128", resumed, honestly),
    Habit("second_fit", "fit(epochs=30), then fit(epochs=10)", second(EPOCHS, 10), honestly),
    Habit("second_long", "fit(epochs=30) twice", second(EPOCHS, EPOCHS), honestly),
)
