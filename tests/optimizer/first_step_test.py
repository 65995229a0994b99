"""A word while a first step takes long."""

import time

import keras
import numpy as np
import pytest

from l2l_tf import LearnedOptimizer
from l2l_tf.optimizer import first_step


class Slow(keras.layers.Layer):
    """Takes half a second to be traced."""

    def call(self, inputs):
        time.sleep(0.5)
        return inputs


def fitted(verbose, optimizer):
    model = keras.Sequential([keras.Input((2,)), Slow(), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    rows = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model.fit(*rows, batch_size=4, epochs=2, verbose=verbose)


@pytest.mark.parametrize("patience, times", [(0.1, 1), (60.0, 0)])
def test_who_waits_is_told_what_for(monkeypatch, capfd, patience, times):
    monkeypatch.setattr(first_step, "PATIENCE", patience)
    fitted(2, LearnedOptimizer())
    said = capfd.readouterr().err
    assert said.count("of 2 variables, is being traced and compiled") == times


@pytest.mark.parametrize("verbose, optimizer", [(0, LearnedOptimizer), (2, keras.optimizers.Adam)])
def test_silence_is_kept_and_other_optimizers_are_left_alone(
    monkeypatch, capfd, verbose, optimizer
):
    monkeypatch.setattr(first_step, "PATIENCE", 0.1)
    fitted(verbose, optimizer())
    assert "being traced" not in capfd.readouterr().err
