"""Meta-training keeps no memory of the meta-steps behind it."""

import gc

import keras
import numpy as np
from helpers.memory import allocated, usual

from l2l_tf import meta
from l2l_tf.meta.curve_image import curve_image

BETWEEN, READINGS = 80, 5
# A kept tensor of a number takes several hundred.
BYTES = 200


class Allocated(keras.callbacks.Callback):
    """What is allocated now and then."""

    def __init__(self):
        super().__init__()
        self.readings = []

    def on_train_batch_end(self, batch, logs=None):
        if self.model.meta_step % BETWEEN == 0:
            self.readings.append(allocated())


def test_a_meta_step_with_summaries_and_checkpoints_leaves_nothing(tmp_path):
    trainer = meta.Trainer(
        "rnnprop(hidden_size=3,layers=1)",
        ["quadratic(dimension=2)"],
        "bptt(unroll=2,num_tasks=2)",
        trajectories=(8,),
        trajectory_sampling="log_uniform",
        meta_steps=BETWEEN * READINGS,
        validate_every=BETWEEN // 2,
        num_validation_tasks=1,
        jit_compile=False,
        ema_decay=0.9999,
    )
    seen = Allocated()
    summaries = meta.callbacks.TensorBoard(tmp_path / "summaries", update_freq=1, curves=False)
    checkpoints = meta.callbacks.Checkpoint(tmp_path / "checkpoints", BETWEEN // 2)
    trainer.fit(callbacks=[summaries, checkpoints, seen], verbose=0)
    assert len(seen.readings) == READINGS
    assert usual(seen.readings) / BETWEEN < BYTES


def test_of_a_picture_no_figure_waits_for_garbage_collection():
    from matplotlib.figure import Figure

    losses = np.array([2.0, 1.0, 0.5])
    gc.collect()
    before = {id(o) for o in gc.get_objects() if isinstance(o, Figure)}
    assert curve_image({"now": losses, "best": 2 * losses}, "a task").shape[-1] == 3
    assert gc.isenabled()
    assert {id(o) for o in gc.get_objects() if isinstance(o, Figure)} <= before
