"""Training keeps no memory of the steps behind it."""

import keras
import numpy as np
import tensorflow as tf
from helpers.memory import kept_of_each
from helpers.small_models import X, Y, make_model

from l2l_tf import LearnedOptimizer, OptimizerSummaries

# A kept tensor of a number takes several hundred.
BYTES = 200


def test_a_loss_that_is_told_as_a_number_is_not_kept():
    optimizer = LearnedOptimizer(rule="momentum")
    optimizer.build([keras.Variable(np.zeros(2))])
    assert kept_of_each(lambda number: optimizer.observe_loss(1.0 / (number + 1)), 100) < BYTES


def test_summaries_of_a_batch_are_not_kept(tmp_path):
    model = make_model(optimizer=LearnedOptimizer(rule="momentum"))
    model.fit(X, Y, 16, verbose=0)
    summaries = OptimizerSummaries(tmp_path, update_freq=1)
    summaries.set_model(model)
    summaries.on_train_begin()
    weights = model.trainable_variables
    generator = np.random.default_rng(0)

    def take(number):
        summaries.on_train_batch_begin(number)
        for variable in weights:
            variable.assign_add(generator.normal(size=variable.shape).astype("float32"))
        model.optimizer.iterations.assign_add(tf.constant(1, model.optimizer.iterations.dtype))
        summaries.on_train_batch_end(number)

    assert kept_of_each(take, 40) < BYTES
