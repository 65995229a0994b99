"""Rules stepped by hand, variable by variable, for the tests of rules with a scheduler."""

import numpy as np

from l2l_tf import rules


def trained_for(steps, rule, shapes, seed=0):
    """Variables and state after some steps on gradients of several sizes."""
    generator = np.random.default_rng(seed)
    variables = [generator.normal(size=s).astype("float32") for s in shapes]
    state = rule.init(variables)
    for step in range(steps):
        gradients = [
            10.0 ** (index - 3) * generator.normal(size=s).astype("float32")
            for index, s in enumerate(shapes)
        ]
        context = rules.Context(step, 1.0 / (step + 1), 50.0)
        updates, state = rule.update(gradients, state, variables, context)
        variables = [v + np.asarray(u) for v, u in zip(variables, updates, strict=True)]
    return variables, state


def controlled(rule, seed=1):
    """The rule with controls that differ between variables."""
    generator = np.random.default_rng(seed)
    return rule.bind(
        {
            name: (value + 0.3 * generator.normal(size=value.shape)).astype("float32")
            for name, value in rule.meta_params.items()
        }
    )


def uncontrolled(rule):
    """The rule as it is set by hand: the LSTM says nothing."""
    return rule.bind({name: np.zeros_like(value) for name, value in rule.meta_params.items()})
