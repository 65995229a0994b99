"""LearnedOptimizer under `fit` and `apply`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import GENERATOR, RULES, X, Y, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.optimizer import backends, checks


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"clipnorm": 0.01},
        {"global_clipnorm": 0.01},
        {"clipvalue": 0.001},
        {"weight_decay": 0.1},
        {"use_ema": True, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 8.0},
    ],
    ids=lambda a: "-".join(a) or "plain",
)
@pytest.mark.quick("plain-True", "global_clipnorm-False", "gradient_accumulation_steps-False")
def test_base_class_arguments_work_as_in_keras_adam(arguments, jit):
    # The learned update is multiplied by learning_rate: Adam's own rate stays 1 here.
    ours = LearnedOptimizer(0.01, rule=rules.Adam(1.0), **arguments)
    theirs = keras.optimizers.Adam(0.01, **arguments)
    models = [make_model(optimizer=o, jit_compile=jit) for o in (ours, theirs)]
    for model in models:
        fit(model)
    assert_same(weights(models[0]), weights(models[1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.quick("lstm", "ntm_lbfgs")
def test_every_rule_trains_a_model(name):
    model = make_model(optimizer=LearnedOptimizer(rule=RULES[name]()))
    before = weights(model)
    losses = fit(model)
    assert np.isfinite(losses).all()
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, weights(model), strict=True))


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.quick("celo2")
def test_apply_equals_the_rule_itself_over_50_steps(name):
    rule = RULES[name]()
    variables = [keras.Variable(np.ones((3, 2), "float32")), keras.Variable(np.float32(0.5))]
    optimizer = LearnedOptimizer(rule=rule)
    values = [np.ones((3, 2), "float32"), np.float32(0.5)]
    state = rule.init(values)
    generator = np.random.default_rng(2)
    for step in range(50):
        gradients = [tf.constant(generator.normal(size=v.shape).astype("float32")) for v in values]
        optimizer.apply(gradients, variables)
        updates, state = rule.update(gradients, state, values, rules.Context(step))
        values = [v + np.asarray(u) for v, u in zip(values, updates, strict=True)]
        assert_same([v.numpy() for v in variables], values, rtol=1e-5, atol=1e-6)


def test_slots_are_named_after_variable_and_layer():
    model = make_model(optimizer=LearnedOptimizer(rule=RULES["lstm"]()))
    fit(model, 1)
    kernel = model.trainable_variables[0]
    slots = model.optimizer.slots_of(kernel)
    of_layers = {f"lstm_{i}_{k}" for i in (0, 1) for k in ("hidden", "cell")}
    assert set(slots) == {"touched", *of_layers}
    for name, slot in slots.items():
        assert slot.path.endswith(f"{kernel.path.replace('/', '_')}_{name}")
        of_each = {"touched": ()}.get(name, (4,))
        assert slot.shape == (*of_each, 20) and slot.dtype == "float32"
        assert np.abs(slot.numpy()).max() > 0


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64", "bfloat16"])
@pytest.mark.quick("mixed_float16")
def test_slots_are_at_least_float32_whatever_the_policy(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make_model(optimizer=LearnedOptimizer(rule=RULES["lstm"]()))
        losses = fit(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(losses).all()
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    expected = "float64" if policy == "float64" else "float32"
    for slot in optimizer.slots_of(model.trainable_variables[0]).values():
        assert slot.dtype == expected


def test_state_dtype_lowers_the_slots_by_explicit_choice():
    optimizer = LearnedOptimizer(rule=RULES["lstm"](), state_dtype="bfloat16")
    model = make_model(optimizer=optimizer)
    assert np.isfinite(fit(model)).all()
    for slot in optimizer.slots_of(model.trainable_variables[0]).values():
        assert slot.dtype == "bfloat16"


class LossRecorder(rules.CoordinatewiseRule):
    """Moves every coordinate by the loss it sees, so that tests can read it."""

    def __init__(self):
        self.meta_params = {}

    def slot_shapes(self):
        return {}

    def coordinate_update(self, gradient, state, variable, context):
        return tf.zeros_like(gradient) + tf.cast(context.loss, gradient.dtype), state


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_the_rule_sees_the_loss_inside_fit(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make_model(optimizer=LearnedOptimizer(rule=LossRecorder()))
        before = weights(model)
        losses = model.fit(X, Y, 64, 1, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(weights(model)[0] - before[0], losses[0], rtol=1e-2)


def test_accumulated_steps_show_the_mean_of_their_losses():
    optimizer = LearnedOptimizer(rule=LossRecorder(), gradient_accumulation_steps=2)
    variable = keras.Variable(np.zeros(2, "float32"))
    for loss in (1.0, 4.0):
        optimizer.scale_loss(tf.constant(loss))
        optimizer.apply([tf.ones(2)], [variable])
    np.testing.assert_allclose(variable.numpy(), 2.5)


def test_a_loss_counts_once_and_is_unknown_without_scale_loss():
    optimizer = LearnedOptimizer(rule=LossRecorder())
    variable = keras.Variable(np.zeros(2, "float32"))
    optimizer.scale_loss(tf.constant(3.0))
    optimizer.apply([tf.ones(2)], [variable])
    np.testing.assert_allclose(variable.numpy(), 3.0)
    optimizer.apply([tf.ones(2)], [variable])
    assert np.isnan(variable.numpy()).all()


@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.quick("nan-graph", "inf-jit")
def test_a_step_that_is_not_finite_changes_only_counters(bad, mode):
    optimizer = LearnedOptimizer(rule=RULES["lstm"](), weight_decay=0.1, use_ema=True)
    variables = [keras.Variable(np.ones(3, "float32")), keras.Variable(np.ones(2, "float32"))]
    optimizer.build(variables)
    apply = optimizer.apply
    if mode != "eager":
        apply = tf.function(
            lambda g: optimizer.apply(g, variables), jit_compile=mode == "jit", autograph=False
        )
    arguments = (variables,) if mode == "eager" else ()
    apply([tf.ones(3), tf.ones(2)], *arguments)
    before = [v.numpy() for v in [*variables, *optimizer.variables]]
    apply([tf.ones(3), tf.constant([1.0, bad])], *arguments)
    after = [v.numpy() for v in [*variables, *optimizer.variables]]
    changed = [
        v.name
        for v, a, b in zip([*variables, *optimizer.variables], before, after, strict=True)
        if not np.array_equal(a, b, equal_nan=True)
    ]
    assert changed == ["iteration", "skipped_steps"]
    assert int(optimizer.skipped_steps) == 1 and int(optimizer.iterations) == 2


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.quick("celo2", "lstm")
def test_extreme_finite_gradients_keep_weights_and_slots_finite(name):
    optimizer = LearnedOptimizer(rule=RULES[name]())
    variable = keras.Variable(np.ones(5, "float32"))
    for size in (1e-30, 1e-10, 1.0, 1e10, 1e30, 1e-30):
        gradient = size * np.array([1, -1, 0.1, 0, 1], "float32")
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
    for v in [variable, *optimizer.slots_of(variable).values()]:
        assert np.isfinite(v.numpy()).all()


def test_schedules_and_integers_are_learning_rates():
    schedule = keras.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    variable = keras.Variable(np.zeros(1, "float32"))
    optimizer = LearnedOptimizer(schedule, rule=rules.SGD(1.0))
    for _ in range(3):
        optimizer.apply([tf.ones(1)], [variable])
    np.testing.assert_allclose(variable.numpy(), -1.75)
    assert float(LearnedOptimizer(2, rule=rules.SGD()).learning_rate) == 2.0


def test_embeddings_missing_gradients_and_every_rank():
    table = keras.Variable(np.ones((6, 2), "float32"))
    others = [keras.Variable(np.ones((2,) * rank, "float32")) for rank in range(6)]
    unused = keras.Variable(np.ones(3, "float32"))
    optimizer = LearnedOptimizer(rule=rules.SGD(1.0))
    slices = tf.IndexedSlices(tf.ones((2, 2)), tf.constant([1, 1]), tf.constant([6, 2]))
    gradients = [slices, *[tf.ones(v.shape) for v in others], None]
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply(gradients, [table, *others, unused])
    np.testing.assert_allclose(table.numpy()[:3], [[1, 1], [-1, -1], [1, 1]])
    for v in others:
        np.testing.assert_allclose(v.numpy(), 0.0)
    np.testing.assert_allclose(unused.numpy(), 1.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"loss_scale_factor": 4.0},
        {"gradient_accumulation_steps": 2},
        {"global_clipnorm": 0.1},
        {"weight_decay": 0.1, "use_ema": True},
    ],
    ids=lambda a: next(iter(a)),
)
@pytest.mark.quick("weight_decay")
def test_slices_work_with_every_argument_as_dense_gradients_do(arguments):
    slices = tf.IndexedSlices(tf.ones((2, 2)), tf.constant([1, 1]), tf.constant([6, 2]))
    results = []
    for gradient in (slices, tf.convert_to_tensor(slices)):
        table = keras.Variable(np.ones((6, 2), "float32"))
        optimizer = LearnedOptimizer(rule=RULES["rnnprop"](), **arguments)
        for _ in range(4):
            optimizer.apply([gradient], [table])
        results.append(table.numpy())
    np.testing.assert_array_equal(*results)
    assert np.abs(results[0][1] - results[0][0]).max() > 1e-4


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
def test_other_backends_are_refused_in_one_line(backend, monkeypatch):
    monkeypatch.setattr(checks, "BACKEND", backends.Unsupported())
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    for arguments in ({}, {"rule": "adam"}, {"rule": rules.SGD()}):
        with pytest.raises(ValueError, match=f"PyTorch backend.*Received: .*={backend}$") as e:
            LearnedOptimizer(**arguments)
        assert len(str(e.value).splitlines()) == 1


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("make", [tf.Variable, keras.Variable])
@pytest.mark.parametrize("name", ["adam", "lstm", "celo2"])
def test_complex_variables_are_refused_before_anything_is_made(name, make, dtype):
    optimizer = LearnedOptimizer(rule=RULES[name]())
    variables = [keras.Variable(np.ones(2, "float32")), make(np.ones(2, dtype))]
    with pytest.raises(ValueError, match=f"real variables.*Received: .*{dtype}"):
        optimizer.apply([tf.ones(2), tf.ones(2, dtype)], variables)
    assert not optimizer.built
    optimizer.apply([tf.ones(2)], variables[:1])


def test_excluded_variables_do_not_decay():
    variables = [keras.Variable(np.ones(2, "float32"), name=n) for n in ("kernel", "bias", "gamma")]
    ours = LearnedOptimizer(1.0, rule="sgd", weight_decay=0.1)
    ours.exclude_from_weight_decay(var_list=[variables[2]], var_names=["bias"])
    assert ours.excludes_from_weight_decay
    ours.apply([tf.zeros(2)] * 3, variables)
    kernel, bias, gamma = (v.numpy() for v in variables)
    np.testing.assert_allclose(kernel, 0.9)
    np.testing.assert_array_equal([bias, gamma], 1.0)


def test_a_variable_of_any_rank_has_slots_of_its_size_by_its_name():
    variables = [
        keras.Variable(np.ones((2,) * rank, "float32"), name=f"rank{rank}") for rank in range(6)
    ]
    for name in ("lstm", "celo2", "ntm_lbfgs"):
        optimizer = LearnedOptimizer(rule=RULES[name]())
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
        paths = [v.path for v in optimizer.variables]
        assert len(set(paths)) == len(paths)
        for rank, variable in enumerate(variables):
            for slot_name, slot in optimizer.slots_of(variable).items():
                assert slot.path.endswith(f"rank{rank}_{slot_name}")
            if name == "lstm":
                assert optimizer.slots_of(variable)["lstm_0_hidden"].shape == (4, 2**rank)
            assert np.isfinite(variable.numpy()).all() and np.abs(variable.numpy() - 1).max() > 0


def test_frozen_layers_and_embeddings_in_fit():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((3,), dtype="int32"),
            keras.layers.Embedding(10, 4),
            keras.layers.Flatten(),
            keras.layers.Dense(4, trainable=False),
            keras.layers.Dense(1),
        ]
    )
    model.compile(LearnedOptimizer(rule=RULES["rnnprop"]()), "mse")
    before = weights(model)
    model.fit(GENERATOR.integers(0, 10, (32, 3)), np.ones((32, 1)), verbose=0)
    after = weights(model)
    np.testing.assert_array_equal(before[1], after[1])
    assert np.abs(before[0] - after[0]).max() > 0


@pytest.mark.parametrize("arguments", [{"steps_per_execution": 2}, {"run_eagerly": True}])
def test_other_ways_to_run_fit_give_the_same_weights(arguments):
    plain = make_model(optimizer=LearnedOptimizer(rule=RULES["lstm"]()), jit_compile=False)
    other = make_model(optimizer=LearnedOptimizer(rule=RULES["lstm"]()), **arguments)
    for model in (plain, other):
        fit(model)
    assert_same(weights(plain), weights(other), rtol=1e-4, atol=1e-6)


def test_fit_traces_again_no_more_than_keras_sgd_does():
    traces = {"ours": 0, "keras": 0}

    class Counting(rules.LSTM):
        def coordinate_update(self, *arguments):
            traces["ours"] += 1
            return super().coordinate_update(*arguments)

    class CountingSGD(keras.optimizers.SGD):
        def _backend_update_step(self, *arguments):
            traces["keras"] += 1
            return super()._backend_update_step(*arguments)

    ours = make_model(optimizer=LearnedOptimizer(rule=Counting(hidden_size=2)), jit_compile=False)
    theirs = make_model(optimizer=CountingSGD(0.01), jit_compile=False)
    for model in (ours, theirs):
        fit(model)
    first = dict(traces)
    for model in (ours, theirs):
        fit(model)
    assert traces == first


@pytest.mark.parametrize("given", ["lstm-digits", rules.SGD()])
def test_a_preset_or_a_rule_in_the_place_of_the_learning_rate_is_refused(given):
    with pytest.raises(ValueError, match=r"LearnedOptimizer\((preset|rule)=…\). Received: learn"):
        LearnedOptimizer(given)


def test_a_custom_loop_traces_once():
    traces = []

    class Counting(rules.LSTM):
        def coordinate_update(self, *arguments):
            traces.append(1)
            return super().coordinate_update(*arguments)

    optimizer = LearnedOptimizer(rule=Counting(hidden_size=2))
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer.build([variable])

    @tf.function(autograph=False)
    def step(gradient):
        optimizer.apply([gradient], [variable])

    for _ in range(5):
        step(tf.ones(3))
    assert len(traces) == 1
