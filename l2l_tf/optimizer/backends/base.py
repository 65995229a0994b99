"""What an optimizer asks of Keras's backend, as it is answered where nothing is traced."""

import contextlib

from keras import ops

from l2l_tf.optimizer import finiteness


class Backend:
    """Keras's backend as a `RuleOptimizer` needs it: a program, variables, replicas.

    This class holds for a backend that computes at once and in one place. A subclass says what is
    otherwise.
    """

    # Whether an optimizer runs on this backend.
    supported = True
    # Whether a program is a pure function of the variables that it is given.
    functional = False

    # Programs.

    def tracing(self):
        """Whether a program is being traced, instead of computed at once."""
        return False

    def program(self):
        """The outermost program that is being traced; None where it cannot be told."""
        return None

    def outside(self):
        """Context in which values are there at once, even if a program is being traced."""
        return contextlib.nullcontext()

    def run(self, function, *arguments):
        """A function's result; what compiles the program around it leaves it alone, if it can."""
        return function(*arguments)

    def undifferentiated(self):
        """Context in which nothing is recorded for gradients."""
        return contextlib.nullcontext()

    def traces_apart(self):
        """Whether a step can be a program of its own within the program around it."""
        return False

    def traced_apart(self, step, compiled):
        """A function `(gradients, learning_rate)` that takes `step`, as a program of its own.

        Args:
            step: Function that assigns.
            compiled: Whether it is compiled, whatever the program around it is.
        """
        raise NotImplementedError(f"{type(self).__name__}.traced_apart")

    # Variables.

    def native(self, variable):
        """The variable as this backend's optimizers have it."""
        return variable

    def tensor(self, value):
        """The tensor that a variable, a number or a tensor has now."""
        return ops.convert_to_tensor(value)

    def dense(self, gradient):
        """A gradient as a tensor; None stays."""
        return gradient

    def beside(self, optimizer, variable):
        """Context in which variables are put where `variable` is."""
        del optimizer, variable
        return contextlib.nullcontext()

    def scope_of(self, model):
        """Context in which a model makes its variables."""
        del model
        return contextlib.nullcontext()

    def assign(self, optimizer, targets, values):
        """Assign values to variables, on every replica that holds them."""
        del optimizer
        for target, value in zip(targets, values, strict=True):
            target.assign(value)

    def overwrite(self, optimizer, variable, value):
        """Assign a value to a variable from outside of a step."""
        self.assign(optimizer, [variable], [value])

    def sync(self, model):
        """Let variables have the values that a model's trainer holds for them."""
        del model

    def current(self, model, variable):
        """The value of an optimizer's scalar variable while a model (or None) is trained."""
        del model
        return variable.numpy()

    # Replicas.

    def replicated(self):
        """Whether a strategy holds several copies of the variables."""
        return False

    def across_replicas(self):
        """Whether this is computed once for all replicas, not by each of them."""
        return False

    def reduced(self, optimizer, gradients, variables):
        """Gradients summed over replicas."""
        del optimizer, variables
        return gradients

    # The step.

    def either(self, condition, one, other, optimizer):
        """Call `one` if a scalar condition holds, else `other`; both may assign.

        Args:
            condition: Scalar bool.
            one: Function without arguments.
            other: Function without arguments.
            optimizer: The optimizer whose variables, and those it trains, they assign.
        """
        del optimizer
        if condition:
            one()
        else:
            other()

    def take_step(self, optimizer, gradients, variables):
        """Let an optimizer apply gradients if all are finite, else skip the step.

        Args:
            optimizer: `RuleOptimizer`.
            gradients: List of tensors or None, at least one of them given.
            variables: Their variables, or None.
        """
        self.either(
            finiteness.all_finite(gradients),
            lambda: optimizer.apply_finite(gradients, variables),
            optimizer.count_skipped,
            optimizer,
        )
        optimizer.forget_loss()
        if not self.tracing():
            optimizer.watch_skips()
