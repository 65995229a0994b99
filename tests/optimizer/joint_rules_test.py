"""LearnedOptimizer with rules that span all variables: Keras's own arguments, done by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, assert_same

from l2l_tf import LearnedOptimizer, rules

SHAPES = [(3, 2), (4,)]
STEPS = 12
CASES = {
    "clipnorm": {"clipnorm": 0.5},
    "global_clipnorm": {"global_clipnorm": 0.75},
    "decay": {"weight_decay": 0.0625},
    "ema": {"use_ema": True, "ema_momentum": 0.75},
    "overwrite": {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "all": {
        "global_clipnorm": 0.75,
        "weight_decay": 0.0625,
        "use_ema": True,
        "ema_momentum": 0.75,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
}


def gradients():
    generator = np.random.default_rng(5)
    return [[generator.normal(size=shape) for shape in SHAPES] for _ in range(STEPS)]


def norm(arrays):
    return np.sqrt(sum((array**2).sum() for array in arrays))


def by_hand(
    rule,
    learning_rate,
    clipnorm=np.inf,
    global_clipnorm=np.inf,
    weight_decay=0.0,
    use_ema=False,
    ema_momentum=0.0,
    ema_overwrite_frequency=None,
    gradient_accumulation_steps=1,
):
    """Values after all steps, and their moving averages."""
    x, window = [np.ones(shape) for shape in SHAPES], []
    averages, state, updates_taken = x, rule.init(x), 0
    for step, row in enumerate(gradients()):
        taken = step // gradient_accumulation_steps
        window.append(row)
        if len(window) == gradient_accumulation_steps:
            mean, window = [sum(g) / len(window) for g in zip(*window, strict=True)], []
            mean = [g * min(1.0, clipnorm / norm([g])) for g in mean]
            mean = [g * min(1.0, global_clipnorm / whole) for whole in [norm(mean)] for g in mean]
            x = [v - learning_rate * weight_decay * v for v in x]
            updates, state = rule.update(mean, state, x, rules.Context(updates_taken))
            updates_taken += 1
            x = [v + learning_rate * np.asarray(u) for v, u in zip(x, updates, strict=True)]
        if use_ema:
            # Keras averages at every call, and its first average is the value itself.
            kept = ema_momentum if taken else 0.0
            averages = [kept * a + (1 - kept) * v for a, v in zip(averages, x, strict=True)]
            if ema_overwrite_frequency and (taken + 1) % ema_overwrite_frequency == 0:
                x = averages
    return x, averages


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["gac_lstm", "ntm_bfgs", "ntm_lbfgs"])
@pytest.mark.quick("gac_lstm-all", "ntm_bfgs-clipnorm", "ntm_lbfgs-all")
def test_arguments_of_keras_act_around_the_rule_as_by_hand(name, case):
    rule = RULES[name]()
    expected, averages = by_hand(rule, 0.5, **CASES[case])
    variables = [keras.Variable(np.ones(shape), dtype="float64") for shape in SHAPES]
    optimizer = LearnedOptimizer(0.5, rule=rule, **CASES[case])
    for row in gradients():
        optimizer.apply([tf.constant(g) for g in row], variables)
    assert all(np.abs(value - 1).max() > 1e-4 for value in expected)
    assert_same([v.numpy() for v in variables], expected, rtol=1e-12, atol=1e-14)
    if "use_ema" in CASES[case]:
        optimizer.finalize_variable_values(variables)
        assert_same([v.numpy() for v in variables], averages, rtol=1e-12, atol=1e-14)
