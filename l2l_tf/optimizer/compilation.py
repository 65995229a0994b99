"""The step compiled by XLA where the program around it is not."""

import math

from l2l_tf.optimizer.backends import BACKEND

# Compiling takes seconds, and a tenth of one and more for every variable; a compiled step saves
# some nanoseconds per float of state. From this many floats, and this many per variable, a run of
# a thousand steps gets back what compiling costs.
MIN_FLOATS = 2**19
FLOATS_PER_VARIABLE = 2**16


def possible(rule, variables):
    """Whether the step of `rule` can be compiled by itself.

    Args:
        rule: `UpdateRule`.
        variables: List of the variables that are updated.
    """
    if not rule.supports_jit or not BACKEND.compiles_alone():
        return False
    return not any(None in tuple(v.shape) for v in variables)


def pays(slots, shared):
    """Whether a step that keeps this state is worth compiling.

    Args:
        slots: List of dicts name → variable, the state of each variable.
        shared: Dict name → variable, the state of all of them.
    """
    floats = sum(math.prod(s.shape) for slot in [*slots, shared] for s in slot.values())
    return floats >= MIN_FLOATS + FLOATS_PER_VARIABLE * len(slots)


class CompiledSteps:
    """Steps that were compiled, one for each set of variables that has gradients.

    A plain object: what it holds is made anew where an optimizer is loaded or copied.
    """

    def __init__(self):
        self._steps = {}

    @property
    def taken(self):
        """Whether a step was compiled so far."""
        return bool(self._steps)

    def __call__(self, step, given, learning_rate):
        """Take `step(given, learning_rate)`, compiled.

        Args:
            step: Function of a dict index → gradient and of the learning rate, which assigns.
            given: Dict index of a variable → gradient.
            learning_rate: Scalar.
        """
        indices = tuple(given)
        if indices not in self._steps:

            def take(gradients, learning_rate):
                step(dict(zip(indices, gradients, strict=True)), learning_rate)

            self._steps[indices] = BACKEND.compiled(take)
        self._steps[indices](list(given.values()), BACKEND.tensor(learning_rate))

    def __deepcopy__(self, memo):
        return CompiledSteps()

    def __reduce__(self):
        return CompiledSteps, ()
