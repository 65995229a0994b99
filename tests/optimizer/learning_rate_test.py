"""LearnedOptimizer: what its learning rate means for a rule that has one, and for others."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.export import export_step

KERAS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate),
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "momentum(nesterov=True)": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "adam": lambda rate: keras.optimizers.Adam(rate),
    "adam(beta_1=0.5,epsilon=1e-3)": lambda rate: keras.optimizers.Adam(
        rate, beta_1=0.5, epsilon=1e-3
    ),
}


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


def trained(optimizer, epochs=2):
    model = make_model(optimizer=optimizer, jit_compile=False)
    fit(model, epochs)
    return model


@pytest.mark.parametrize("rate", [0.01, 1, schedule, None], ids=["float", "int", "schedule", "own"])
@pytest.mark.parametrize("name", KERAS)
@pytest.mark.quick("adam-float", "momentum-schedule", "sgd-own")
def test_a_rate_means_to_a_hand_crafted_rule_what_it_means_to_keras(name, rate):
    def given():
        return rate() if callable(rate) else rate

    ours = LearnedOptimizer(rule=name) if rate is None else LearnedOptimizer(given(), rule=name)
    own = 0.001 if name.startswith("adam") else 0.01
    theirs = KERAS[name](own if rate is None else float(rate) if rate == 1 else given())
    np.testing.assert_allclose(float(ours.learning_rate), float(theirs.learning_rate))
    assert_same(weights(trained(ours)), weights(trained(theirs)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "rprop"])
def test_every_way_to_write_a_rate_is_the_same(name):
    ways = [
        LearnedOptimizer(0.25, rule=name),
        LearnedOptimizer(rule=f"{name}(learning_rate=0.25)"),
        LearnedOptimizer(0.25, rule=f"{name}(learning_rate=0.5)"),
        LearnedOptimizer(rule=rules.get(name, learning_rate=0.25)),
        LearnedOptimizer(0.25, rule=rules.get(name)),
        LearnedOptimizer(rule=f"annealed(inner='{name}(learning_rate=0.25)')"),
    ]
    later = LearnedOptimizer(rule=name)
    later.learning_rate = 0.25
    results = []
    for optimizer in (*ways, later):
        variable = keras.Variable(np.ones(3, "float32"))
        for gradient in ([1.0, -2.0, 3.0], [0.5, 1.0, 3.0]):
            optimizer.apply([tf.constant(gradient)], [variable])
        results.append(variable.numpy())
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-6)
    assert ways[0].rule.learning_rate == later.rule.learning_rate == 0.25
    first = rules.get(name, learning_rate=0.25)
    assert repr(ways[0].rule) == repr(ways[1].rule) == repr(first)


def test_a_rate_of_rprop_is_its_first_step_size():
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer = LearnedOptimizer(0.125, rule="rprop")
    optimizer.apply([tf.constant([3.0, -4.0])], [variable])
    np.testing.assert_allclose(variable.numpy(), [0.875, 1.125])
    optimizer.reset()
    assert set(optimizer.slots_of(variable)["step_size"].numpy()) == {0.125}


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "rprop"])
@pytest.mark.parametrize("rate", [0.25, schedule], ids=["float", "schedule"])
@pytest.mark.quick("float-adam", "schedule-momentum")
def test_a_configuration_keeps_the_rate(name, rate, tmp_path):
    model = trained(LearnedOptimizer(rate() if callable(rate) else rate, rule=name), 1)
    again = LearnedOptimizer.from_config(model.optimizer.get_config())
    assert again.get_config() == model.optimizer.get_config()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        fit(each, 1)
    assert_same(weights(model), weights(loaded), rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_configurations_from_when_the_rate_multiplied_keep_their_meaning(name):
    before = LearnedOptimizer(0.5, rule=name).get_config()
    before["rule"]["config"]["learning_rate"] = 0.25
    optimizer = LearnedOptimizer.from_config(before)
    again = LearnedOptimizer.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    for each in (optimizer, again):
        variable = keras.Variable(np.ones(2, "float32"))
        each.apply([tf.constant([1.0, -1.0])], [variable])
        np.testing.assert_allclose(variable.numpy(), [0.875, 1.125], rtol=1e-5)


def test_a_rate_multiplies_what_a_learned_rule_does():
    results = []
    for rate in (None, 1.0, 0.5):
        variable = keras.Variable(np.zeros(3, "float32"))
        optimizer = LearnedOptimizer(rate, rule=RULES["rnnprop"]())
        optimizer.apply([tf.constant([1.0, -2.0, 3.0])], [variable])
        results.append(variable.numpy())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_allclose(results[2], 0.5 * results[1], rtol=1e-6)


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_an_exported_step_has_the_rate_as_well(name, tmp_path):
    optimizer = LearnedOptimizer(schedule(), rule=name)
    export_step(optimizer, tmp_path / "step")
    step = tf.saved_model.load(tmp_path / "step")
    variable, params = keras.Variable(np.ones(3, "float32")), tf.ones(3)
    state = step.init(params)
    for size in (1.0, -2.0, 3.0):
        optimizer.apply([tf.fill([3], size)], [variable])
        updates, state = step.update(tf.fill([3], size), state, params, np.nan, np.nan)
        params = params + updates
    np.testing.assert_allclose(variable.numpy(), params, rtol=1e-6)


def test_arguments_of_a_learned_rule_are_those_of_its_shipped_weights():
    shipped = presets.load_preset(presets.preset_for_rule("rnnprop"))
    size = shipped.hidden_size
    named = LearnedOptimizer(rule=f"rnnprop(hidden_size={size})")
    assert named.preset == presets.preset_for_rule("rnnprop")
    for text in (f"rnnprop(hidden_size={size + 1})", "rnnprop(nothing=1)", "rnnprop(", "adam(0.1)"):
        with pytest.raises(ValueError, match="Received:"):
            LearnedOptimizer(rule=text)
