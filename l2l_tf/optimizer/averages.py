"""Moving averages of the weights (`use_ema`), kept by variable."""

from keras import ops

from l2l_tf.optimizer.backends import BACKEND


class Averages:
    """Keras's averages of a `RuleOptimizer`, matched by variable instead of by place.

    Keras writes averages back in the order of the variables that it is given, which are others
    once a layer was frozen: a layer would silently get its neighbour's.
    """

    def _update_model_variables_moving_average(self, trainable_variables):
        """`average ← m · average + (1 − m) · variable`; the first step that is taken sets it."""
        if not self.use_ema:
            return
        # Where a step is skipped it counts as an iteration, and there is no average yet.
        taken = ops.cast(self._iterations, "int") - ops.cast(self._skipped_steps, "int")
        begun = taken >= (self.gradient_accumulation_steps or 1)
        for variable in trainable_variables:
            average = self._average_of(variable)
            if average is not None:
                momentum = ops.cast(begun, average.dtype) * self.ema_momentum
                average.assign(momentum * average + (1 - momentum) * variable)

    def _overwrite_model_variables_with_average_value(self, trainable_variables):
        for variable in trainable_variables:
            average = self._average_of(variable)
            if average is not None:
                BACKEND.overwrite(self, variable, average.value)

    def _average_of(self, variable):
        index = self._trainable_variables_indices.get(self._var_key(variable))
        return None if index is None else self._model_variables_moving_average[index]
