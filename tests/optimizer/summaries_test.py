"""What `OptimizerSummaries` writes down is what the optimizer did."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import X, Y, make_model

from l2l_tf import LearnedOptimizer, OptimizerSummaries, rules


def written(directory):
    """Dict tag → dict step → value, a float for scalars."""
    (events,) = directory.iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            values = tf.make_ndarray(value.tensor)
            found.setdefault(value.tag, {})[event.step] = values if values.ndim else float(values)
    return found


class Weights(keras.callbacks.Callback):
    """Keeps the weights before and after every batch."""

    def on_train_begin(self, logs=None):
        self.seen = [self.model.get_weights()]

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.get_weights())


def fitted(optimizer, directory, **arguments):
    model, weights = make_model(optimizer=optimizer), Weights()
    callbacks = [OptimizerSummaries(directory, **arguments), weights]
    model.fit(X, Y, 16, 2, verbose=0, callbacks=callbacks)  # 8 batches.
    return model, weights.seen


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


def test_sizes_and_cosines_are_those_of_the_steps(tmp_path):
    model, seen = fitted(LearnedOptimizer(rule="momentum"), tmp_path, update_freq=3)
    found = written(tmp_path)
    for index, variable in enumerate(model.trainable_variables):
        steps = {n: seen[n][index] - seen[n - 1][index] for n in (1, 4, 7)}
        sizes = found[f"step_size/{variable.path}"]
        assert list(sizes) == [1, 4, 7]
        for number, step in steps.items():
            np.testing.assert_allclose(sizes[number], root_mean_square(step), rtol=1e-4)
        cosines = found[f"cosine/{variable.path}"]
        expected = np.vdot(steps[4], steps[1]) / (
            np.linalg.norm(steps[4]) * np.linalg.norm(steps[1])
        )
        assert list(cosines) == [4, 7]
        np.testing.assert_allclose(cosines[4], expected, rtol=1e-3, atol=1e-5)
    kernel = model.trainable_variables[0]
    relative = found[f"relative_step/{kernel.path}"][4]
    size = root_mean_square(seen[4][0] - seen[3][0]) / root_mean_square(seen[3][0])
    np.testing.assert_allclose(relative, size, rtol=1e-3)


def test_slots_shared_state_and_rates_are_the_optimizers(tmp_path):
    model, _ = fitted(LearnedOptimizer(), tmp_path, update_freq=7)
    found, optimizer = written(tmp_path), model.optimizer
    for index, variable in enumerate(model.trainable_variables):
        slots = optimizer.slots_of(variable)
        for name, slot in slots.items():
            value = found[f"slot/{name}/{variable.path}"][8]
            np.testing.assert_allclose(value, root_mean_square(slot.numpy()), rtol=1e-4)
        rates = optimizer.shared_state()["log_rate"].numpy()
        np.testing.assert_allclose(found[f"log_rate/{variable.path}"][8], rates[index])
    assert found["shared/guard"][8] == float(optimizer.shared_state()["guard"])
    assert "shared/scheduler_hidden" in found
    assert found["skipped"] == {1: 0.0, 8: 0.0} and found["learning_rate"][8] == 1.0


def test_how_often_a_guard_took_over_is_counted(tmp_path):
    optimizer = LearnedOptimizer(rule=rules.Guarded("sgd(learning_rate=10.0)", "adam"))
    fitted(optimizer, tmp_path, update_freq=1)
    trips = written(tmp_path)["shared/watch_trips"]
    assert trips[1] == 0 and trips[8] == float(optimizer.shared_state()["watch_trips"]) >= 1


def test_a_skipped_step_has_size_0_and_is_counted(tmp_path):
    model = make_model(optimizer=LearnedOptimizer(rule="adam"))
    rows = np.where(np.arange(16)[:, None] == 3, np.nan, X[:16]).astype("float32")
    model.fit(rows, Y[:16], 16, 1, verbose=0, callbacks=[OptimizerSummaries(tmp_path)])
    found = written(tmp_path)
    assert found["skipped"] == {1: 1.0}
    assert found[f"step_size/{model.trainable_variables[0].path}"] == {1: 0.0}


def test_under_a_loss_scale_it_looks_at_the_optimizer_inside(tmp_path):
    optimizer = keras.optimizers.LossScaleOptimizer(LearnedOptimizer(rule="adam"))
    fitted(optimizer, tmp_path, update_freq=8)
    assert "skipped" in written(tmp_path)


def test_what_it_cannot_look_at_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: update_freq=0"):
        OptimizerSummaries(tmp_path, update_freq=0)
    with pytest.raises(ValueError, match="is no LearnedOptimizer. Received: <keras"):
        fitted(keras.optimizers.Adam(), tmp_path)


def test_a_model_that_its_first_batch_builds_is_looked_at_from_the_second(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(LearnedOptimizer(rule="momentum"), "mse")
    model.fit(X, X[:, :1], 16, verbose=0, callbacks=[OptimizerSummaries(tmp_path, update_freq=2)])
    assert list(written(tmp_path)[f"step_size/{model.trainable_variables[0].path}"]) == [2, 4]
