"""PyTorch: everything is computed at once, and assigned in place."""

import torch
from keras.src.backend.common.stateless_scope import in_stateless_scope

from l2l_tf.optimizer.backends.base import Backend


class Torch(Backend):
    """What an optimizer asks of PyTorch."""

    def undifferentiated(self):
        return torch.no_grad()

    @torch.compiler.disable
    def run(self, function, *arguments):
        # `torch.compile` would take minutes for a rule's step, and models that were saved under
        # JAX ask for it.
        return function(*arguments)

    def assign(self, optimizer, targets, values):
        if in_stateless_scope():
            super().assign(optimizer, targets, values)
            return
        tensors = [t.value for t in targets]
        with torch.no_grad():
            torch._foreach_copy_(tensors, _apart(tensors, values))


def _apart(targets, values):
    """The values, copied where they lie in the memory of a target that is not their own."""
    places = {t.untyped_storage().data_ptr(): index for index, t in enumerate(targets)}
    return [
        v.clone() if places.get(v.untyped_storage().data_ptr(), index) != index else v
        for index, v in enumerate(values)
    ]
