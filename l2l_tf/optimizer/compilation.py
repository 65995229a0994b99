"""The step as a program of its own, compiled by XLA where the program around it is not."""

import math

from l2l_tf.optimizer.backends import BACKEND

# Seconds that compiling takes on two cores, and more for each variable; and those that a compiled
# step saves, for each variable and each float of state: fitted to nets of 2 to 82 variables.
COMPILING, COMPILING_VARIABLE = 2.0, 0.11
SAVED, SAVED_VARIABLE, SAVED_FLOAT = 0.5e-3, 1e-4, 5e-9
# Steps that a run of unknown length is good for.
LIKELY_STEPS = 700


def possible(rule, variables):
    """Whether the step of `rule` can be compiled by itself.

    Args:
        rule: `UpdateRule`.
        variables: List of the variables that are updated.
    """
    if not rule.supports_jit or not BACKEND.traces_apart():
        return False
    return not any(None in tuple(v.shape) for v in variables)


def pays(slots, shared, steps=None):
    """Whether a run gets back what it takes to compile a step that keeps this state.

    Args:
        slots: List of dicts name → variable, the state of each variable.
        shared: Dict name → variable, the state of all of them.
        steps: Length of the run; None if unknown.
    """
    floats = sum(math.prod(s.shape) for slot in [*slots, shared] for s in slot.values())
    saved = SAVED + SAVED_VARIABLE * len(slots) + SAVED_FLOAT * floats
    return (steps or LIKELY_STEPS) * saved >= COMPILING + COMPILING_VARIABLE * len(slots)


class OwnSteps:
    """Steps that are programs of their own, one for each set of variables that has gradients.

    `fit` traces its train step twice where variables are made in it, as those of metrics are; a
    step of its own is traced once. In an eager loop a thousand operations one by one would take
    a hundred milliseconds. A plain object: what it holds is made anew where an optimizer
    is loaded or copied.
    """

    def __init__(self):
        self._steps = {}

    @property
    def compiled(self):
        """Whether a step was compiled so far."""
        return any(compiled for _, compiled in self._steps)

    def __call__(self, step, given, learning_rate, compiled):
        """Take `step(given, learning_rate)`.

        Args:
            step: Function of a dict index → gradient and of the learning rate, which assigns.
            given: Dict index of a variable → gradient.
            learning_rate: Scalar.
            compiled: Whether XLA compiles it.
        """
        indices = tuple(given)
        if (indices, compiled) not in self._steps:

            def take(gradients, learning_rate):
                step(dict(zip(indices, gradients, strict=True)), learning_rate)

            self._steps[indices, compiled] = BACKEND.traced_apart(take, compiled)
        own = self._steps[indices, compiled]
        own(list(given.values()), BACKEND.tensor(learning_rate))

    def __deepcopy__(self, memo):
        return OwnSteps()

    def __reduce__(self):
        return OwnSteps, ()
