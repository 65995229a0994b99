"""LearnedOptimizer: names, configuration, saving and loading."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.presets import registry


@pytest.fixture
def shipped(preset_directory, tmp_path, monkeypatch):
    """Two registered presets, the first of them the default."""
    second = tmp_path / "second"
    presets.save_preset(second, rules.LSTM(hidden_size=4, layers=1, seed=9), "# Second\n")
    monkeypatch.setattr(registry, "_REGISTERED", {"first": preset_directory, "second": second})
    monkeypatch.setattr(registry, "DEFAULT", "first")
    monkeypatch.setattr(registry, "FOR_RULE", {"lstm": "first"})


def test_default_rule_name_and_preset_mean_what_they_say(shipped, preset_directory):
    assert LearnedOptimizer().preset == "first"
    assert LearnedOptimizer(rule="lstm").preset == "first"
    assert LearnedOptimizer.from_preset("second", learning_rate=0.5).preset == "second"
    assert LearnedOptimizer(preset=preset_directory).rule.hidden_size == 4
    assert isinstance(LearnedOptimizer(rule="adam").rule, rules.Adam)
    assert LearnedOptimizer(rule="adam").preset is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"preset": "first", "rule": "lstm"},
        {"rule": "rnnprop"},
        {"rule": "nothing"},
        {"preset": "nothing"},
        {"rule": 3},
        {"preset": 3},
        {"rule": "sgd", "total_steps": 0},
        {"rule": "sgd", "state_dtype": "int8"},
    ],
)
def test_arguments_that_make_no_sense_are_refused(shipped, arguments):
    with pytest.raises(ValueError, match="Received:"):
        LearnedOptimizer(**arguments)


def test_configuration_round_trip(shipped):
    optimizer = LearnedOptimizer(0.5, preset="second", total_steps=100, clipnorm=1.0)
    config = optimizer.get_config()
    assert config["preset"] == "second" and config["rule"]["name"] == "lstm"
    again = LearnedOptimizer.from_config(config)
    assert again.get_config() == config
    for name, value in optimizer.rule.meta_params.items():
        np.testing.assert_array_equal(again.rule.meta_params[name], value)


def test_a_saved_model_trains_the_same_after_the_default_has_changed(
    shipped, tmp_path, monkeypatch
):
    model = make_model(optimizer=LearnedOptimizer())
    fit(model, 1)
    model.save(tmp_path / "model.keras")
    fit(model, 2)
    monkeypatch.setattr(registry, "DEFAULT", "second")
    for registered in ({}, registry._REGISTERED):
        monkeypatch.setattr(registry, "_REGISTERED", registered)
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert loaded.optimizer.preset == "first"
        fit(loaded, 2)
        assert_same(weights(model), weights(loaded), rtol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "rnnprop", "adam", "gac_lstm", "ntm_bfgs"])
@pytest.mark.parametrize("kind", ["keras", "weights", "checkpoint"])
@pytest.mark.quick("keras-lstm", "checkpoint-adam")
def test_training_goes_on_as_if_it_had_not_stopped(name, kind, tmp_path):
    whole = make_model(optimizer=LearnedOptimizer(rule=RULES[name]()), jit_compile=False)
    fit(whole, 2)
    if kind == "keras":
        whole.save(tmp_path / "model.keras")
        resumed = keras.models.load_model(tmp_path / "model.keras")
    else:
        resumed = make_model(optimizer=LearnedOptimizer(rule=RULES[name]()), jit_compile=False)
        resumed.optimizer.build(resumed.trainable_variables)
        if kind == "weights":
            whole.save_weights(tmp_path / "model.weights.h5")
            resumed.load_weights(tmp_path / "model.weights.h5")
        else:
            path = tf.train.Checkpoint(model=whole, optimizer=whole.optimizer).write(
                str(tmp_path / "checkpoint")
            )
            target = tf.train.Checkpoint(model=resumed, optimizer=resumed.optimizer)
            target.read(path).assert_existing_objects_matched()
    for model in (whole, resumed):
        fit(model, 2)
    assert_same(weights(whole), weights(resumed), rtol=1e-6, atol=1e-7)


def test_a_store_that_does_not_fit_is_an_error_and_changes_nothing():
    small, large = (LearnedOptimizer(rule=rules.LSTM(hidden_size=h, layers=1)) for h in (2, 3))
    variable = keras.Variable(np.ones(3, "float32"))
    for optimizer in (small, large):
        optimizer.apply([tf.ones(3)], [variable])
    store = {}
    small.save_own_variables(store)
    before = [v.numpy() for v in large.variables]
    with pytest.raises(ValueError, match="does not fit.*Received:"):
        large.load_own_variables(store)
    assert_same(before, [v.numpy() for v in large.variables])


def test_weights_that_never_came_are_an_error():
    config = LearnedOptimizer(rule=rules.LSTM(hidden_size=2)).get_config()
    optimizer = LearnedOptimizer.from_config(config)
    with pytest.raises(ValueError, match="never loaded.*Received:"):
        optimizer.apply([tf.ones(3)], [keras.Variable(np.ones(3, "float32"))])


def test_weights_that_never_came_are_an_error_in_fit_too():
    config = LearnedOptimizer(rule=rules.LSTM(hidden_size=2, layers=1)).get_config()
    model = make_model(optimizer=LearnedOptimizer.from_config(config))
    with pytest.raises(ValueError, match="never loaded.*Received:"):
        fit(model, 1)


def test_a_saved_preset_holds_the_weights_in_use(tmp_path, preset_directory):
    optimizer = LearnedOptimizer(preset=preset_directory)
    optimizer.apply([tf.ones(3)], [keras.Variable(np.ones(3, "float32"))])
    optimizer.save_to_preset(tmp_path / "copy")
    copy = LearnedOptimizer.from_preset(tmp_path / "copy")
    for name, value in optimizer.rule.meta_params.items():
        np.testing.assert_array_equal(copy.rule.meta_params[name], value)
    assert presets.load_card(tmp_path / "copy") == "# A card\n"


def test_meta_parameters_are_saved_but_are_no_variables_that_training_changes():
    model = make_model(optimizer=LearnedOptimizer(rule=RULES["lstm"]()))
    optimizer, before = model.optimizer, model.optimizer.rule.meta_params
    fit(model)
    for name, value in optimizer.rule.meta_params.items():
        np.testing.assert_array_equal(value, before[name])
    names = [v.name for v in optimizer.variables]
    assert not set(names) & set(before) and len(set(names)) == len(names)
    store = {}
    optimizer.save_own_variables(store)
    assert set(store) == {*map(str, range(len(names) + len(before))), "origin"}
    # Where they stood before they left the list, so that older files load.
    for index, value in enumerate(before.values(), 6):
        np.testing.assert_array_equal(store[str(index)], value)
