"""JAX: a traced step is a pure function of the variables' values."""

import jax
import keras
from keras.src.backend.common.stateless_scope import in_stateless_scope

from l2l_tf.optimizer.backends.base import Backend


class Jax(Backend):
    """What an optimizer asks of JAX."""

    functional = True

    def tracing(self):
        return in_stateless_scope()

    def sync(self, model):
        model.jax_state_sync()

    def current(self, model, variable):
        held = (getattr(model, "_jax_state", None) or {}).get("optimizer_variables")
        if held and not model._jax_state_synced:
            for other, value in zip(model.optimizer.variables, held, strict=True):
                if other is variable:
                    return value
        return super().current(model, variable)

    def either(self, condition, one, other, optimizer):
        if not isinstance(condition, jax.core.Tracer):
            super().either(condition, one, other, optimizer)
            return
        variables = [*optimizer.variables, *optimizer.trained_variables()]

        def values_after(function):
            mapping = [(v, v.value) for v in variables]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                function()
            return [scope.get_current_value(v) for v in variables]

        values = jax.lax.cond(condition, lambda: values_after(one), lambda: values_after(other))
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
