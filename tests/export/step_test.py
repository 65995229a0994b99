"""The exported step is the optimizer's own step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES
from tensorflow.core.function.polymorphism import function_type

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.export import export_step

SHAPES = [(3, 2), (4,), ()]


class LossFollower(rules.UpdateRule):
    """Moves whole tensors by loss and total steps along their mean gradient, and counts."""

    def __init__(self):
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        slots = [{"total": tf.zeros(v.shape)} for v in variables]
        return rules.RuleState(slots, {"count": tf.zeros(())})

    def update(self, gradients, state, variables, context):
        size = context.loss * context.total_steps + state.shared["count"]
        updates = [tf.zeros_like(g) - size * tf.reduce_mean(g) for g in gradients]
        slots = [{"total": s["total"] + g} for s, g in zip(state.variables, gradients, strict=True)]
        return updates, rules.RuleState(slots, {"count": state.shared["count"] + 1.0})


def exported(optimizer, directory, shapes=None):
    export_step(optimizer, directory, shapes)
    return tf.saved_model.load(directory)


def gradients_of(seed, shapes):
    generator = np.random.default_rng(seed)
    return [tf.constant(generator.normal(size=s).astype("float32")) for s in shapes]


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(1.0, 2, 0.5)


def test_names_of_state_are_no_matter_for_a_warning(tmp_path, monkeypatch, caplog):
    # TensorFlow gives five of them in a process, and tests before this one may have had them.
    monkeypatch.setattr(function_type, "sanitization_warnings_given", 0)
    with caplog.at_level("WARNING", logger="absl"):
        export_step(LearnedOptimizer(rule="momentum"), tmp_path / "step", SHAPES)
    assert function_type.sanitization_warnings_given > 0
    assert not caplog.records


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"learning_rate": 0.1},
        {"learning_rate": SCHEDULE},
        {"clipnorm": 0.1},
        {"global_clipnorm": 0.1},
        {"clipvalue": 0.01},
        {"weight_decay": 0.1, "learning_rate": 0.5},
    ],
    ids=lambda a: "-".join(a) or "plain",
)
@pytest.mark.quick("weight_decay-learning_rate")
def test_arguments_mean_what_they_mean_under_apply(arguments, tmp_path):
    optimizer = LearnedOptimizer(rule=RULES["rnnprop"](), **arguments)
    step = exported(optimizer, tmp_path / "step", SHAPES)
    variables = [keras.Variable(np.ones(s, "float32")) for s in SHAPES]
    params = [tf.ones(s) for s in SHAPES]
    state = step.init(params)
    for number in range(5):
        gradients = gradients_of(number, SHAPES)
        optimizer.apply(gradients, variables)
        updates, state = step.update(gradients, state, params, np.nan, np.nan)
        params = [p + u for p, u in zip(params, updates, strict=True)]
    for param, variable in zip(params, variables, strict=True):
        np.testing.assert_allclose(param, variable.numpy(), rtol=1e-5, atol=1e-6)


def test_one_vector_of_any_length_needs_no_shapes(tmp_path):
    rule = RULES["lstm"]()
    step = exported(LearnedOptimizer(rule=rule), tmp_path / "step")
    for count in (1, 7):
        params = tf.ones([count])
        state = step.init(params)
        assert state["lstm_0_cell"].shape == (4, count)
        gradient = tf.linspace(-1.0, 1.0, count)
        updates, state = step.update(gradient, state, params, 1.0, 100.0)
        expected, _ = rule.update([gradient], rule.init([params]), [params], rules.Context())
        np.testing.assert_allclose(updates, expected[0], rtol=1e-5, atol=1e-7)
        assert int(state["iteration"]) == 1


def test_loss_total_steps_and_shared_state_reach_the_rule(tmp_path):
    optimizer = LearnedOptimizer(rule=LossFollower(), total_steps=10)
    step = exported(optimizer, tmp_path / "step", [(2,), (2, 2)])
    params = [tf.zeros(2), tf.zeros((2, 2))]
    gradients = [tf.ones(2), tf.ones((2, 2))]
    state = step.init(params)
    assert {"shared/count", "0/total", "1/total"} < set(state)
    updates, state = step.update(gradients, state, params, 3.0, np.nan)
    np.testing.assert_allclose(updates[1], -30.0)  # The optimizer's own total_steps.
    updates, state = step.update(gradients, state, params, 3.0, 5.0)
    np.testing.assert_allclose(updates[0], -16.0)
    np.testing.assert_allclose(state["1/total"], 2.0)


def test_a_step_that_is_not_finite_updates_nothing_and_is_counted(tmp_path):
    step = exported(LearnedOptimizer(rule=RULES["lstm"](), weight_decay=0.1), tmp_path / "step")
    params = tf.ones(3)
    state = step.init(params)
    _, state = step.update(tf.ones(3), state, params, np.nan, np.nan)
    updates, after = step.update(tf.constant([1.0, np.nan, 1]), state, params, np.nan, np.nan)
    np.testing.assert_array_equal(updates, np.zeros(3))
    changed = {k for k in state if not np.array_equal(state[k], after[k])}
    assert changed == {"iteration", "skipped_steps"}


@pytest.mark.slow
def test_the_signatures_take_and_give_tensors_by_name(tmp_path):
    step = exported(LearnedOptimizer(rule=RULES["adam"]()), tmp_path / "step")
    params, gradients = tf.ones(3), tf.constant([1.0, -2.0, 3.0])
    state = step.signatures["init"](params=params)
    given = {"params": params, "gradients": gradients, "loss": tf.constant(1.0)}
    after = step.signatures["update"](**given, **state, total_steps=tf.constant(10.0))
    updates, expected = step.update(gradients, step.init(params), params, 1.0, 10.0)
    np.testing.assert_array_equal(after["updates"], updates)
    assert set(after) == {"updates", *expected}


def test_a_rule_over_whole_tensors_needs_shapes(tmp_path):
    with pytest.raises(ValueError, match="give the `shapes`.*Received:"):
        export_step(LearnedOptimizer(rule=LossFollower()), tmp_path / "step")


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_ema": True},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 2.0},
        {"learning_rate_multipliers": {"kernel": 0.5}},
    ],
    ids=lambda a: "-".join(a),
)
def test_what_belongs_to_a_models_training_is_refused(arguments, tmp_path):
    optimizer = LearnedOptimizer(rule=rules.SGD(), **arguments)
    with pytest.raises(ValueError, match=f"Received: {list(arguments)[0]}="):
        export_step(optimizer, tmp_path / "step")


def test_other_requests_that_make_no_sense_are_refused(tmp_path):
    optimizer = LearnedOptimizer(rule=rules.SGD(), weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    with pytest.raises(ValueError, match="exclude_from_weight_decay"):
        export_step(optimizer, tmp_path / "step")
    with pytest.raises(TypeError, match="Received:"):
        export_step(keras.optimizers.SGD(), tmp_path / "step")
    for shapes in ([], [3], [(-1,)], [(None, 2)]):
        with pytest.raises(ValueError, match="Received: shapes="):
            export_step(LearnedOptimizer(rule=rules.SGD()), tmp_path / "step", shapes)
    assert not (tmp_path / "step").exists()
