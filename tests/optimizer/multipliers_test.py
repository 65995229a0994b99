"""LearnedOptimizer: learning rates of their own for some variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer


def named(*names):
    return [keras.Variable(np.full((2, 3), 2.0, "float32"), name=name) for name in names]


@pytest.mark.parametrize("arguments", [{}, {"weight_decay": 0.1}], ids=lambda a: "-".join(a))
@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.quick("lstm-", "lstm-weight_decay", "celo2-weight_decay", "adam-")
def test_a_variable_takes_its_multiple_of_every_step(name, arguments):
    factors = {"body_0": 0.5, "body": 0.25, "still$": 0.0}
    variables = named("body_0_kernel", "body_1_kernel", "still", "head")
    plain = named("body_0_kernel", "body_1_kernel", "still", "head")
    ours = LearnedOptimizer(rule=RULES[name](), learning_rate_multipliers=factors, **arguments)
    theirs = LearnedOptimizer(rule=RULES[name](), **arguments)
    gradients = [tf.linspace(-1.0, 1.0, 6)] * 4
    gradients = [tf.reshape(g, (2, 3)) for g in gradients]
    before = [v.numpy() for v in variables]
    for optimizer, group in ((ours, variables), (theirs, plain)):
        optimizer.apply(gradients, group)
    for v, p, b, factor in zip(variables, plain, before, (0.5, 0.25, 0.0, 1.0), strict=True):
        np.testing.assert_allclose(v.numpy() - b, factor * (p.numpy() - b), rtol=1e-3, atol=1e-6)
    assert np.abs(plain[0].numpy() - before[0]).max() > 1e-6


def test_in_fit_saved_and_with_the_paths_of_layers(tmp_path):
    optimizer = LearnedOptimizer(rule=RULES["rnnprop"](), learning_rate_multipliers={"bias": 0.0})
    model = make_model(optimizer=optimizer, jit_compile=False)
    before = weights(model)
    fit(model, 1)
    moved = [np.abs(a - b).max() > 0 for a, b in zip(weights(model), before, strict=True)]
    assert moved == [True, False, True, False]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == optimizer.get_config()
    for each in (model, loaded):
        fit(each, 1)
    assert_same(weights(model), weights(loaded), rtol=1e-6)


def test_a_pattern_that_is_found_nowhere_is_said():
    optimizer = LearnedOptimizer(rule=RULES["sgd"](), learning_rate_multipliers={"kernle": 0.1})
    with pytest.warns(UserWarning, match=r"no path: \['kernle'\]. Received:"):
        optimizer.build(named("kernel"))


@pytest.mark.parametrize("given", [[0.1], {"(": 1.0}, {3: 1.0}, {"a": -1}, {"a": "b"}, {"a": None}])
def test_multipliers_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match="Received:"):
        LearnedOptimizer(rule=RULES["sgd"](), learning_rate_multipliers=given)


@pytest.mark.parametrize("hook", ["update_step", "_distributed_tf_update_step"])
def test_a_hook_that_is_never_called_is_refused(hook):
    by_layer = type("ByLayer", (LearnedOptimizer,), {hook: lambda self, *arguments: None})
    with pytest.raises(ValueError, match=f"learning_rate_multipliers.*Received: ByLayer.{hook}"):
        by_layer(rule=RULES["sgd"]())
    type("Plain", (LearnedOptimizer,), {})(rule=RULES["sgd"]())


@pytest.mark.parametrize("hook", ["update_step", "_distributed_tf_update_step"])
def test_a_hook_that_is_put_on_an_optimizer_alone_is_refused_at_its_first_step(hook):
    optimizer = LearnedOptimizer(rule=RULES["sgd"]())
    setattr(optimizer, hook, lambda *arguments: None)
    with pytest.raises(ValueError, match=f"learning_rate_multipliers.*Received: .*{hook}"):
        optimizer.build([keras.Variable(np.ones(3, "float32"))])
