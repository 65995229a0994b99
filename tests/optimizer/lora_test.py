"""Small factors beside frozen kernels: one of a pair begins at zero, the other without gradient."""

import keras
import numpy as np
import pytest

from l2l_tf import LearnedOptimizer


@pytest.mark.parametrize("jit_compile", [False, True])
def test_fine_tuning_by_small_factors_learns(jit_compile):
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(256, 12)).astype("float32")
    labels = (rows[:, 0] * rows[:, 1] > 0).astype("int32")
    body = keras.layers.Dense(32, "relu")
    model = keras.Sequential([keras.Input((12,)), body, keras.layers.Dense(2)])
    body.enable_lora(4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(), loss, jit_compile=jit_compile)
    losses = model.fit(rows, labels, batch_size=32, epochs=8, verbose=0).history["loss"]
    for weight in model.get_weights():
        assert np.isfinite(weight).all()
    assert np.abs(body.lora_kernel_b.numpy()).max() > 0.0
    assert losses[-1] < 0.8 * losses[0]
