"""LearnedOptimizer: state that is taken up elsewhere, copied, or begun anew."""

import copy
import pickle
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, presets, rules

EVERY_RULE = {
    **RULES,
    "rprop": lambda: rules.Rprop(0.01),
    "mixture": lambda: presets.load_preset("mixture-general"),
    "spectral": lambda: presets.load_preset("spectral-general"),
}


def learned(rule="lstm", **arguments):
    return LearnedOptimizer(rule=EVERY_RULE[rule](), **arguments)


def compiled(optimizer, policy="float32", **arguments):
    keras.config.set_dtype_policy(policy)
    try:
        return make_model(optimizer=optimizer, jit_compile=False, **arguments)
    finally:
        keras.config.set_dtype_policy("float32")


def inside(model):
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def state(optimizer):
    return [v.numpy() for v in optimizer.variables]


def noted(do):
    """What warnings `do` gives of optimizers' state."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        do()
    return [str(w.message) for w in caught if "optimizer" in str(w.message)]


# Loading.


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        *((name, {}) for name in EVERY_RULE),
        ("lstm", {"use_ema": True}),
        ("rnnprop", {"gradient_accumulation_steps": 2, "use_ema": True}),
        ("adam", {"weight_decay": 0.1, "total_steps": 50}),
    ],
    ids=lambda a: a if isinstance(a, str) else "-".join(a) or "plain",
)
@pytest.mark.quick("lstm-plain", "rnnprop-gradient_accumulation_steps-use_ema")
def test_weights_loaded_into_a_freshly_compiled_model_bring_everything_back(
    rule, arguments, tmp_path
):
    whole = compiled(learned(rule, **arguments))
    fit(whole, 2)
    whole.save_weights(tmp_path / "model.weights.h5")
    resumed = compiled(learned(rule, **arguments))
    assert not noted(lambda: resumed.load_weights(tmp_path / "model.weights.h5"))
    assert_same(state(whole.optimizer), state(resumed.optimizer))
    for model in (whole, resumed):
        fit(model, 2)
    assert_same(weights(whole), weights(resumed), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("saved", ["float32", "mixed_float16"])
@pytest.mark.parametrize("loaded", ["float32", "mixed_float16"])
def test_weights_come_back_with_and_without_loss_scaling(saved, loaded, tmp_path):
    whole = compiled(learned(), saved)
    fit(whole, 1)
    whole.save_weights(tmp_path / "model.weights.h5")
    resumed = compiled(learned(), loaded)
    assert not noted(lambda: resumed.load_weights(tmp_path / "model.weights.h5"))
    assert_same(state(inside(whole)), state(inside(resumed)))
    if saved == loaded:
        assert_same(state(whole.optimizer), state(resumed.optimizer))
    assert np.isfinite(fit(resumed, 1)).all()


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_whole_model_comes_back_trained_or_not(policy, epochs, tmp_path):
    whole = compiled(learned(), policy)
    if epochs:
        fit(whole, epochs)
    whole.save(tmp_path / "model.keras")
    loaded = []
    assert not noted(lambda: loaded.append(keras.models.load_model(tmp_path / "model.keras")))
    optimizer = inside(loaded[0])
    assert int(optimizer.iterations) == 4 * epochs
    for name, value in inside(whole).rule.meta_params.items():
        np.testing.assert_array_equal(optimizer.rule.meta_params[name], value)
    if epochs:
        assert_same(state(inside(whole)), state(optimizer))
    assert np.isfinite(fit(loaded[0], 1)).all()


def test_an_optimizer_that_is_none_of_the_compiled_ones_waits_for_its_variables(tmp_path):
    class Loop(keras.Sequential):
        """A model with an optimizer of its own."""

        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(data[0]) - data[1]) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.own.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    def make():
        keras.utils.set_random_seed(1)
        model = Loop([keras.layers.Input((5,)), keras.layers.Dense(1)])
        model.own = learned()
        model.compile(jit_compile=False)
        return model

    whole, resumed = make(), make()
    fit(whole, 1)
    whole.save_weights(tmp_path / "first.weights.h5")
    resumed.load_weights(tmp_path / "first.weights.h5")
    assert int(resumed.own.iterations) == 4
    resumed.save_weights(tmp_path / "second.weights.h5")  # What waits is saved, too.
    resumed = make()
    resumed.load_weights(tmp_path / "second.weights.h5")
    for model in (whole, resumed):
        fit(model, 1)
    assert_same(weights(whole), weights(resumed), rtol=1e-6)
    assert_same(state(whole.own), state(resumed.own), rtol=1e-5, atol=1e-7)


OTHERS = {
    "adam": (lambda: keras.optimizers.Adam(), "float32", "another optimizer"),
    "adam_float16": (lambda: keras.optimizers.Adam(), "mixed_float16", "another optimizer"),
    "sgd": (lambda: keras.optimizers.SGD(), "float32", "another optimizer"),
    "none": (lambda: None, "float32", "no optimizer state"),
    "averages": (lambda: learned(use_ema=True), "float32", "other arguments"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.quick("float32-adam", "mixed_float16-adam_float16", "float32-averages")
def test_what_is_not_taken_over_is_said_once_and_training_begins_afresh(kind, policy, tmp_path):
    make, saved, why = OTHERS[kind]
    other = compiled(make(), saved)
    if kind != "none":
        fit(other, 1)
    other.save_weights(tmp_path / "model.weights.h5")
    model = compiled(learned(), policy)
    said = noted(lambda: (model.load_weights(tmp_path / "model.weights.h5"), fit(model, 1)))
    assert len(said) == 1 and why in said[0] and "Received:" in said[0]
    fresh = compiled(learned(), policy)
    fresh.set_weights(other.get_weights())
    fit(fresh, 1)
    assert_same(weights(model), weights(fresh), rtol=1e-6)
    assert_same(state(inside(model)), state(inside(fresh)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("saved", ["float32", "mixed_float16"])
@pytest.mark.parametrize("built", [False, True])
def test_the_state_of_another_rule_is_an_error(saved, built, tmp_path):
    other = compiled(learned("rnnprop"), saved)
    fit(other, 1)
    other.save_weights(tmp_path / "model.weights.h5")
    model = compiled(learned())
    if built:
        fit(model, 1)
    before = state(model.optimizer)
    with pytest.raises(ValueError, match="does not fit.*Received:"):
        model.load_weights(tmp_path / "model.weights.h5")
    assert_same(before, state(model.optimizer))


@pytest.mark.parametrize("saved", ["float32", "mixed_float16"])
@pytest.mark.parametrize(
    "named", ["sgd", "momentum", "adam", "rprop", "dowg", "annealed(inner=adam)"]
)
def test_every_rule_is_told_from_one_whose_state_looks_alike(named, saved):
    variables = [keras.Variable(np.ones(3, "float32"))]
    other = LearnedOptimizer(rule=named)
    if saved == "mixed_float16":
        other = keras.optimizers.LossScaleOptimizer(other)
    other.build(variables)
    store = {}
    other.save_own_variables(store)
    for rule in ("sgd", "momentum", "adam", "rprop", "dowg", "annealed(inner=adam)"):
        optimizer = LearnedOptimizer(rule=rule)
        optimizer.build(variables)
        if rule == named:
            optimizer.load_own_variables(store)
        else:
            with pytest.raises(
                ValueError, match=f"expected {re.escape(rule.replace('inner=', ''))}"
            ):
                optimizer.load_own_variables(store)


@pytest.mark.parametrize("built", [False, True])
def test_learned_weights_of_another_preset_are_an_error(built, preset_directory, tmp_path):
    rule = presets.load_preset(preset_directory)
    other = rule.bind({name: value + 1 for name, value in rule.meta_params.items()})
    for name, kept in (("same", rule), ("other", other)):
        presets.save_preset(tmp_path / name, kept, "# A card")
    trained = {
        name: compiled(LearnedOptimizer(preset=tmp_path / name)) for name in ("same", "other")
    }
    for name, model in trained.items():
        fit(model, 1)
        model.save_weights(tmp_path / f"{name}.weights.h5")
    model = compiled(LearnedOptimizer(preset=preset_directory))
    if built:
        fit(model, 1)
    with pytest.raises(ValueError, match="another preset.*Received:"):
        model.load_weights(tmp_path / "other.weights.h5")
    assert not noted(lambda: model.load_weights(tmp_path / "same.weights.h5"))
    assert_same(state(model.optimizer), state(trained["same"].optimizer))


def test_state_from_before_files_said_whose_it_is_comes_back():
    variables = [keras.Variable(np.ones(3, "float32"))]
    optimizers = [learned(), learned()]
    optimizers[0].apply([tf.ones(3)], variables)
    store = {}
    optimizers[0].save_own_variables(store)
    del store["origin"]
    optimizers[1].load_own_variables(store)
    optimizers[1].build(variables)
    assert_same(*map(state, optimizers))


class Subclassed(keras.Model):
    """A model whose layers are built at the first call."""

    def __init__(self):
        super().__init__()
        self.hidden, self.top = keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)

    def call(self, inputs):
        return self.top(self.hidden(inputs))


@pytest.mark.parametrize("called", [False, True])
def test_weights_of_a_subclass_are_loaded_whether_its_layers_are_built(called, tmp_path):
    whole, resumed = Subclassed(), Subclassed()
    for model in (whole, resumed):
        model.compile(learned(), "mse", jit_compile=False)
    fit(whole, 1)
    whole.save_weights(tmp_path / "model.weights.h5")
    if called:
        resumed(np.ones((1, 5), "float32"))
    else:  # Keras counts it as built, loads nothing into layers that are not, and says nothing.
        resumed.build((None, 5))
    said = noted(lambda: resumed.load_weights(tmp_path / "model.weights.h5"))
    if called:
        assert not said
        assert_same(state(whole.optimizer), state(resumed.optimizer))
    else:
        (warning,) = said
        assert "not built" in warning and "Received:" in warning
    fit(resumed, 1)
    assert int(resumed.optimizer.iterations) == (8 if called else 4)


def test_other_weights_than_those_of_the_preset_are_said(preset_directory, tmp_path):
    rule = presets.load_preset(preset_directory)
    other = rule.bind({name: value + 1 for name, value in rule.meta_params.items()})
    trained = compiled(LearnedOptimizer(rule=other))
    fit(trained, 1)
    trained.save_weights(tmp_path / "model.weights.h5")
    model = compiled(LearnedOptimizer(preset=preset_directory))
    (said,) = noted(lambda: model.load_weights(tmp_path / "model.weights.h5"))
    assert str(preset_directory) in said
    np.testing.assert_array_equal(
        model.optimizer.rule.meta_params["output_bias"], other.meta_params["output_bias"]
    )


# Copies.


@pytest.mark.parametrize("way", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
@pytest.mark.parametrize("rule", ["lstm", "adam", "ntm_lbfgs", "mixture", "spectral"])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.quick("True-lstm-deepcopy", "True-spectral-<lambda>", "False-lstm-<lambda>")
def test_a_copy_is_an_equal_optimizer_and_goes_on_alike(way, rule, trained):
    model = compiled(learned(rule, use_ema=True, weight_decay=0.1))
    kernel = model.trainable_variables[0]
    model.optimizer.exclude_from_weight_decay(var_list=[kernel], var_names=["bias"])
    if trained:
        fit(model, 1)
    copied = way(model.optimizer)
    assert copied.get_config() == model.optimizer.get_config()
    assert [v.path for v in copied.variables] == [v.path for v in model.optimizer.variables]
    assert_same(state(copied), state(model.optimizer))
    before = state(model.optimizer)
    if not trained:
        return
    other = compiled(copied)
    other.set_weights(model.get_weights())
    fit(other, 1)
    assert_same(state(model.optimizer), before)  # Nothing is shared.
    fit(model, 1)
    assert_same(weights(other), weights(model), rtol=1e-6)
    assert_same(state(copied), state(model.optimizer), rtol=1e-5, atol=1e-7)


def test_a_deep_copy_goes_on_with_the_variables_of_the_original():
    model = compiled(learned())
    fit(model, 1)
    copied = copy.deepcopy(model.optimizer)
    copied.apply([tf.ones(v.shape) for v in model.trainable_variables])
    assert int(copied.iterations) == 5 and int(model.optimizer.iterations) == 4


def test_a_copy_takes_on_no_variables_of_other_shapes():
    model = compiled(learned())
    fit(model, 1)
    for copied in (copy.deepcopy(model.optimizer), pickle.loads(pickle.dumps(model.optimizer))):
        with pytest.raises(ValueError, match="This copy.*Received:"):
            copied.apply([tf.ones(3)], [keras.Variable(np.ones(3, "float32"))])
    with pytest.raises(ValueError, match="unpickled.*Received:"):
        copied.apply([tf.ones(v.shape) for v in model.trainable_variables])


# Anew.


@pytest.mark.parametrize("way", ["variables", "set_weights", "reset"])
@pytest.mark.parametrize("rule", EVERY_RULE)
@pytest.mark.quick(
    *(f"{rule}-variables" for rule in ("lstm", "rnnprop", "celo", "rprop", "mixture", "spectral")),
    "lstm-set_weights",
    "celo-reset",
)
def test_training_begins_anew_after_a_reset(way, rule):
    model = compiled(learned(rule, total_steps=12))
    begun = weights(model)
    first = fit(model, 1)
    learned_before = inside(model).rule.meta_params
    model.set_weights(begun)
    if way == "reset":
        model.optimizer.reset()
    elif way == "variables":  # As many a notebook has it.
        for variable in model.optimizer.variables[2:]:
            variable.assign(tf.zeros_like(variable))
        model.optimizer.iterations.assign(0)
    else:
        zeros = [np.zeros_like(v.numpy()) for v in model.optimizer.variables]
        zeros[1] = model.optimizer.variables[1].numpy()
        model.optimizer.set_weights(zeros)
    for name, value in inside(model).rule.meta_params.items():
        np.testing.assert_array_equal(value, learned_before[name])
    assert int(model.optimizer.skipped_steps) == int(model.optimizer.iterations) == 0
    np.testing.assert_allclose(fit(model, 1), first, rtol=1e-5)


def test_a_reset_reaches_averages_accumulators_and_counters():
    optimizer = learned(use_ema=True, gradient_accumulation_steps=2, total_steps=9)
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer.build([variable])
    fresh = state(optimizer)
    for size in (1.0, np.nan, 2.0, 3.0):
        optimizer.scale_loss(tf.constant(size))
        optimizer.apply([tf.fill([3], size)], [variable])
    assert int(optimizer.skipped_steps) == 1
    optimizer.reset()
    assert_same(state(optimizer), fresh)


def test_weights_of_other_shapes_are_refused():
    optimizer = learned()
    with pytest.raises(ValueError, match="built=False"):
        optimizer.set_weights(state(optimizer))
    optimizer.build([keras.Variable(np.ones(3, "float32"))])
    with pytest.raises(ValueError, match="Received:"):
        optimizer.set_weights(state(optimizer)[:-1])


# What stays.


class Masked(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = mask

    def __call__(self, kernel):
        return kernel * self.mask


@pytest.mark.parametrize("rule", ["mixture", "spectral", "lstm", "celo2"])
@pytest.mark.quick("spectral")
def test_a_mask_as_a_constraint_holds(rule):
    mask = (np.arange(20).reshape(5, 4) % 2).astype("float32")
    keras.utils.set_random_seed(1)
    masked = keras.layers.Dense(4, "tanh", kernel_constraint=Masked(mask))
    model = keras.Sequential([keras.layers.Input((5,)), masked, keras.layers.Dense(1)])
    model.compile(learned(rule), "mse", jit_compile=False)
    fit(model, 2)
    kernel = masked.kernel.numpy()
    assert (kernel[mask == 0] == 0).all() and (kernel[mask == 1] != 0).all()
