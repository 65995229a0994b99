"""Copies of an optimizer, state included: `copy.deepcopy` and pickle."""

import itertools

import keras
from keras import ops
from keras.src.utils import tracking

from l2l_tf.optimizer.variables import Spec, path_of

_numbers = itertools.count()


class StandIn(Spec):
    """Path, shape and dtype of a variable that is not here, for slots to be made for it."""

    def __init__(self, variable):
        super().__init__(variable)
        self.path = self.name = path_of(variable)
        self.overwrite_with_gradient = getattr(variable, "overwrite_with_gradient", False)
        self.number_anew()

    def number_anew(self):
        """Take an identity that no other variable of this process has."""
        self._unique_id = f"stand_in_{next(_numbers)}"

    def __tf_tensor__(self, dtype=None, name=None):
        # Slots are put where their variable is, and TensorFlow asks by way of a tensor.
        return ops.zeros((), dtype or "float32")

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.number_anew()


class Copying:
    """Copying of a `RuleOptimizer`.

    A deep copy knows the variables of the original; a pickled one knows but their shapes. Until
    its first step a copy takes on others of these shapes, those of a cloned model, say.
    """

    # Whether variables of the same shapes may take the place of those it knows.
    _may_adopt = False

    def __deepcopy__(self, memo):
        config = self.get_config()
        if not isinstance(self._learning_rate, keras.Variable):
            config["learning_rate"] = self._learning_rate  # As it is: it may be of any class.
        copied = _restored(type(self), config, *self._copied_state(self._trainable_variables))
        memo[id(self)] = copied
        return copied

    def __reduce__(self):
        variables = [StandIn(v) for v in self._trainable_variables]
        return _restored, (type(self), self.get_config(), *self._copied_state(variables))

    def _copied_state(self, variables):
        store = {}
        self.save_own_variables(store)
        return list(variables), store, self._excluded()

    def _excluded(self):
        """Which variables do not decay: by their place, by keys of others, by a pattern."""
        keys = set(getattr(self, "_exclude_from_weight_decay", ()))
        indices = self._trainable_variables_indices
        return {
            "indices": [i for key, i in indices.items() if key in keys],
            "others": sorted(keys - set(indices)),
            "pattern": getattr(self, "_exclude_from_weight_decay_pattern", None),
        }

    def adopt(self, variables: list | None) -> None:
        """Let `variables` take the place of those that a copy was made with, where they are others.

        Args:
            variables: List of variables; None stands for those that it knows.

        Raises:
            ValueError: If their shapes are others, too, or none were ever given.
        """
        if not self._may_adopt:
            return
        if variables is None and any(isinstance(v, StandIn) for v in self._trainable_variables):
            raise ValueError(
                "An optimizer that was unpickled has to be given its variables with the "
                "first gradients. Received: trainable_variables=None"
            )
        variables = self._trainable_variables if variables is None else variables
        self._may_adopt = False
        if all(self._var_key(v) in self._trainable_variables_indices for v in variables):
            return
        expected = [tuple(v.shape) for v in self._trainable_variables]
        received = [tuple(v.shape) for v in variables]
        if expected != received:
            self._may_adopt = True
            raise ValueError(
                f"This copy of an optimizer keeps state for variables of shapes {expected}. "
                f"Received: variables of shapes {received}"
            )
        excluded = self._excluded()
        with tracking.DotNotTrackScope():  # As in Keras's `build`: they are no state of ours.
            self._trainable_variables = list(variables)
            self._trainable_variables_indices = {
                self._var_key(v): i for i, v in enumerate(variables)
            }
        self._exclude(**excluded)

    def _exclude(self, indices, others, pattern):
        if not indices and not others and pattern is None:
            return
        keys = [self._var_key(self._trainable_variables[i]) for i in indices]
        self._exclude_from_weight_decay = {*keys, *others}
        self._exclude_from_weight_decay_pattern = pattern
        self._exclude_from_weight_decay_cache = {}


def _restored(cls, config, variables, store, decay):
    optimizer = cls.from_config(config)
    if variables:
        optimizer.build(variables)
        optimizer._may_adopt = True
    optimizer.load_own_variables(store)
    optimizer._exclude(**decay)
    return optimizer
