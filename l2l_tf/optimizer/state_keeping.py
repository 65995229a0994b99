"""What becomes of an optimizer's state: saved, loaded, copied, or started anew."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from l2l_tf import rules
from l2l_tf.core import renamed
from l2l_tf.optimizer import saved_state
from l2l_tf.optimizer.backends import BACKEND


@dataclasses.dataclass(frozen=True)
class _Awaited:
    """State that was loaded before the variables were known.

    Attributes:
        rest: List of arrays, as in `SavedState`.
        counters: Dict name → value before it was loaded.
    """

    rest: list
    counters: dict


class StateKeeping:
    """Saving, loading, copying and resetting of a `RuleOptimizer`.

    Meta-parameters are saved with the state, but are no part of `variables`: a recipe that
    writes zeros there, to train anew, leaves the rule as it was learned.
    """

    # State from a file, until the variables are known.
    _awaited = None
    # Whether a wrapper around this optimizer has loaded its state already.
    loaded_by_wrapper = False

    @property
    def variables(self) -> list:
        """List of the variables that training changes: counters, slots, shared state.

        Where a step is a pure function of them, what it is told of the run is among them.
        """
        of_the_run = (
            self._passes,
            self._batch_rows,
            self._contested,
            self._epoch_start,
            self._epoch_steps,
        )
        return [*self._changing(), *(of_the_run if BACKEND.functional else ())]

    def _changing(self):
        meta = {id(v) for v in self._meta_params.values()} if self.built else ()
        return [v for v in self._variables if id(v) not in meta]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set `variables` from a list of arrays.

        Raises:
            ValueError: If the optimizer is not built, or their number or a shape differs.
        """
        expected = [tuple(v.shape) for v in self._changing()]
        received = [tuple(np.shape(w)) for w in weights]
        if not self.built or expected != received:
            raise ValueError(
                "set_weights takes one array for each of the `variables` of an optimizer that is "
                f"built; expected shapes {expected}. Received: {received}, built={self.built}"
            )
        for variable, weight in zip(self._changing(), weights, strict=True):
            variable.assign(weight)
        self._skip_watch.start_at(*self._taken_and_skipped())

    def reset(self) -> None:
        """Start anew: fresh slots and averages, no steps taken, none skipped.

        The rule, its learned weights, the learning rate and `total_steps` stay.
        """
        self._awaited = None
        self._assign_counters(
            {
                "iteration": 0,
                "loss": np.nan,
                "skipped_steps": 0,
                "run_length": self.total_steps or np.nan,
                "run_start": 0,
            }
        )
        if not self.built:
            return
        for averages in ("_model_variables_moving_average", "_accumulated_gradients"):
            for variable in getattr(self, averages, []):
                if variable is not None:
                    variable.assign(ops.zeros(variable.shape, variable.dtype))
        state = self._fresh_state()
        fresh = iter([*state.variables, state.shared])
        for slot in [*self._slots, self._shared]:
            if slot is not None:
                for name, value in next(fresh).items():
                    slot[name].assign(value)

    # Saving.

    def saved_values(self) -> list:
        """Arrays of the whole state, meta-parameters included, in the order of its making."""
        arrays = [v.numpy() for v in self._variables]
        if self.built:
            return arrays
        if self._awaited is not None:
            return [*arrays, *self._awaited.rest]
        # Weights that never came are not to look as if they had.
        known = {} if self._weights_pending else self._rule.meta_params
        return [*arrays, *(np.asarray(v) for v in known.values())]

    def save_own_variables(self, store: Any) -> None:
        """Write the state, meta-parameters included, into a store of Keras's."""
        saved_state.write(store, self.saved_values(), self.origin())

    def origin(self) -> dict[str, Any]:
        """Whose state it is: a dict of the `rule`'s description and of the `preset`."""
        return {"rule": rules.serialize(self._rule), "preset": self.preset}

    # Loading.

    def load_own_variables(self, store: Any) -> None:
        """Take over what a store of Keras's holds.

        State that comes before the variables are known waits for `build`. Where a file holds no
        state of such an optimizer, or that of other variables, a warning says so, and the
        optimizer stays as it is.

        Raises:
            ValueError: If it is the state of another rule, of one with weights of other shapes, or
                of another preset with other weights.
        """
        saved = saved_state.read(store)
        skip, self.loaded_by_wrapper = self.loaded_by_wrapper, False
        if saved is None and skip:
            return
        if saved is None:
            held = "no optimizer state" if not store.keys() else "the state of another optimizer"
            self._warn(f"it holds {held}", f"{len(store.keys())} arrays")
            return
        self.load_state(saved)

    def load_state(self, saved: Any) -> None:
        """Take over a `SavedState`; see `load_own_variables`."""
        self._check_origin(saved)
        meta = [tuple(np.shape(v)) for v in self._rule.meta_params.values()]
        start = saved_state.find(saved.rest, meta)
        received = [tuple(a.shape) for a in saved.rest]
        if received and start is None:
            raise ValueError(
                f"The saved optimizer does not fit {self.name!r}: expected meta-parameters of "
                f"shapes {meta}. Received: {saved_state.described(saved.rest)}"
            )
        if received in ([], meta):  # Saved before its first step.
            self.reset()
            self._assign_counters(saved.counters)
            if received:
                self._set_meta(saved.rest)
        elif not self.built:
            before = {name: variable.numpy() for name, variable in self._counters().items()}
            self._awaited = _Awaited(saved.rest, before)
            self._assign_counters(saved.counters)
            if self._weights_pending:
                self._set_meta(saved.rest[start : start + len(meta)])
        elif (arrays := self._fitting(saved.rest)) is not None:
            self._assign_counters(saved.counters)
            self._take_over(arrays)
        else:
            self._warn_of_others(saved.rest)

    def _check_origin(self, saved):
        mine, theirs = self.origin(), saved.origin
        if not theirs:
            return
        expected, received = (saved_state.names(o["rule"]) for o in (mine, theirs))
        if expected != received:
            raise ValueError(
                f"The saved optimizer does not fit {self.name!r}: its state is that of another "
                f"rule; expected {expected}. Received: {received}"
            )
        presets = mine["preset"], theirs.get("preset")
        if None in presets or presets[0] == presets[1] or self._weights_pending:
            return
        arrays = list(self.rule.meta_params.values())
        start = saved_state.find(saved.rest, [a.shape for a in arrays])
        found = [] if start is None else saved.rest[start : start + len(arrays)]
        if found and not all(map(np.array_equal, arrays, found)):
            raise ValueError(
                f"The saved optimizer does not fit {self.name!r}: its learned weights are those of "
                f"another preset; expected {presets[0]!r}. Received: {presets[1]!r}"
            )

    @property
    def awaits_state(self) -> bool:
        """Whether state was loaded before the variables were known."""
        return self._awaited is not None

    def take_over_awaited(self) -> None:
        """Take over, when the variables are known, what was loaded before."""
        awaited, self._awaited = self._awaited, None
        if awaited is None:
            return
        arrays = self._fitting(awaited.rest)
        if arrays is not None:
            self._take_over(arrays)
        else:
            self._assign_counters(awaited.counters)
            self._warn_of_others(awaited.rest)

    def _fitting(self, arrays):
        """Arrays of a file, one for each of `_beside_counters()`; None if they are of others.

        What a rule did not yet keep when the file was written is filled in.
        """
        variables = self._beside_counters()
        received = [tuple(a.shape) for a in arrays]
        if received == [tuple(v.shape) for v in variables]:
            return arrays
        slots = [item for slot in self._slots if slot for item in slot.items()]
        later = {
            id(v): np.full(v.shape, renamed.LATER_SLOTS[name], "float32")
            for name, v in slots
            if name in renamed.LATER_SLOTS
        }
        if received != [tuple(v.shape) for v in variables if id(v) not in later]:
            return None
        given = iter(arrays)
        return [later[id(v)] if id(v) in later else next(given) for v in variables]

    def _take_over(self, arrays):
        names = {id(v): name for name, v in self._meta_params.items()}
        variables = self._beside_counters()
        meta = [a for a, v in zip(arrays, variables, strict=True) if id(v) in names]
        self._set_meta(meta)
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def _set_meta(self, arrays):
        """Make these arrays the rule's meta-parameters, in their order."""
        before = self.rule.meta_params
        given = dict(zip(before, arrays, strict=True))
        same = all(np.array_equal(before[name], given[name]) for name in given)
        if not same and not self._weights_pending and self.preset is not None:
            warnings.warn(
                f"The learned weights in the file are not those of preset {self.preset!r}; "
                f"{self.name!r} goes on with those of the file.",
                stacklevel=2,
            )
        self._rule = self._rule.bind(given) if given else self._rule
        if self.built:
            for name, variable in self._meta_params.items():
                variable.assign(given[name])
        self._weights_pending = False

    def _warn_of_others(self, arrays):
        self._warn(
            "its state is that of other variables, or of an optimizer with other arguments",
            saved_state.described(arrays),
            saved_state.described(self._beside_counters()),
        )

    def _warn(self, why, received, expected=None):
        steps = int(self._iterations.numpy())
        warnings.warn(
            f"Nothing of the file was taken over as the state of {self.name!r}: {why}. Slots, "
            f"counters and learning rate stay as they are ({steps} steps taken), the rule "
            "keeps its learned weights. "
            + (f"Expected: {expected}. " if expected else "")
            + f"Received: {received}",
            stacklevel=2,
        )

    # Its parts.

    def _counters(self):
        named = {
            "iteration": self._iterations,
            "learning_rate": self._learning_rate,
            "loss": self._loss,
            "skipped_steps": self._skipped_steps,
            "run_length": self._run_length,
            "run_start": self._run_start,
        }
        return {name: v for name, v in named.items() if isinstance(v, keras.Variable)}

    def _assign_counters(self, values):
        for name, variable in self._counters().items():
            if name in values:
                variable.assign(values[name])
        if "skipped_steps" in values:
            self._skip_watch.start_at(values.get("iteration", 0), values["skipped_steps"])

    def _beside_counters(self):
        counters = {id(v) for v in self._counters().values()}
        return [v for v in self._variables if id(v) not in counters]
