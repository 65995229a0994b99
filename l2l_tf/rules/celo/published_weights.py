"""Published weights of peers, by the names of their authors, as meta-parameters of our rules."""

import numpy as np

from l2l_tf.core.checks import check_choice
from l2l_tf.rules.celo.celo import Celo, CeloAdam
from l2l_tf.rules.celo.celo2 import Celo2
from l2l_tf.rules.celo.inputs import INPUTS

SOURCES = ("celo", "celo_adam", "celo2")
# Width of each input group of the network, as its first kernel is stored.
_GROUPS = (1, 1, 1, 3, 1, 3, 1, 3, 1, 3, 3, 3, 3, 3)
_SCHEDULER_INPUTS = 18


def rule_from_published_weights(source, arrays, **config):
    """A rule that holds weights of Celo, Celo-Adam or Celo2 as their authors publish them.

    Linear layers are stored by them as `[inputs, outputs]`, the LSTM's gates in the order
    input, cell, forget, output with 1 to be added to the forget gate. Arrays that their
    rules do not use (`rnn_params.linear`, `rnn_params.rnn_to_controls`, further outputs of
    the network) are left out.

    Args:
        source: One of `SOURCES`.
        arrays: Mapping name → array, such as `rnn_params.rnn.linear.w` or
            `ff_mod_stack.~.w0__3`; for Celo2 also with the prefix `weights_`.
        **config: Further constructor arguments of the rule.

    Returns:
        A `Celo`, `CeloAdam` or `Celo2`.

    Raises:
        ValueError: If the source is unknown, an array is missing or has another shape.
    """
    check_choice("source", source, SOURCES)
    reader = _Reader(source, arrays)
    if source == "celo2":
        hidden = reader.width("ff_mod_stack.~.b0", -1)
        rule, params = Celo2(hidden_size=hidden, **config), _network(reader, hidden, outputs=1)
    else:
        cells = reader.width("lstm_init_state.hidden", -1)
        params = _scheduler(reader, cells)
        if source == "celo":
            hidden = reader.width("ff_mod_stack.~.b0", -1)
            rule = Celo(hidden_size=hidden, scheduler_size=cells, **config)
            params.update(_network(reader, hidden, outputs=2))
        else:
            rule = CeloAdam(scheduler_size=cells, **config)
    return rule.bind(params)


class _Reader:
    """Arrays by name, with errors that say what was expected."""

    def __init__(self, source, arrays):
        self.source = source
        prefix = "weights_"
        prefixed = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
        self.arrays = prefixed if source == "celo2" and prefixed else dict(arrays)

    def _find(self, name):
        if name not in self.arrays:
            raise ValueError(
                f"Weights of {self.source!r} have an array {name!r}. "
                f"Received: arrays {sorted(self.arrays)[:12]}"
            )
        array = np.asarray(self.arrays[name])
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(
                f"{name!r} holds finite floating-point numbers. Received: dtype={array.dtype}"
            )
        return array

    def width(self, name, axis):
        shape = self._find(name).shape
        if not shape or not shape[axis]:
            raise ValueError(f"{name!r} has at least one entry. Received: shape={shape}")
        return int(shape[axis])

    def read(self, name, *shape):
        """The array as float32 of this shape; a leading axis of 1 may come with it."""
        array = self._find(name)
        if array.shape not in (shape, (1, *shape)):
            raise ValueError(
                f"{name!r} of {self.source!r} has the shape {shape}. Received: {array.shape}"
            )
        return array.reshape(shape).astype("float32")


def _network(reader, hidden, outputs):
    names = [f"ff_mod_stack.~.w0__{i}" for i in range(len(_GROUPS))]
    first = [reader.read(n, width, hidden) for n, width in zip(names, _GROUPS, strict=True)]
    published = reader.width("ff_mod_stack.~.b2", -1)
    if published < outputs:
        raise ValueError(
            f"'ff_mod_stack.~.b2' has at least {outputs} entries. Received: {published}"
        )
    params = {
        "mlp_0_kernel": np.concatenate(first, axis=0),
        "mlp_1_kernel": reader.read("ff_mod_stack.~.w1", hidden, hidden),
        "mlp_2_kernel": reader.read("ff_mod_stack.~.w2", hidden, published)[:, :outputs],
    }
    assert params["mlp_0_kernel"].shape == (INPUTS, hidden)
    params = {name: np.ascontiguousarray(kernel.T) for name, kernel in params.items()}
    for layer, width in enumerate((hidden, hidden, published)):
        bias = reader.read(f"ff_mod_stack.~.b{layer}", width)
        params[f"mlp_{layer}_bias"] = bias[:outputs] if layer == 2 else bias
    return params


def _scheduler(reader, cells):
    params = {}
    for ours, theirs, inputs, outputs in (
        ("mixture", "linear_1", _SCHEDULER_INPUTS, cells),
        ("input", "linear_2", _SCHEDULER_INPUTS, cells),
        ("lstm", "rnn.linear", 2 * cells, 4 * cells),
        ("output", "step_size", cells, 1),
    ):
        kernel = reader.read(f"rnn_params.{theirs}.w", inputs, outputs)
        params[f"scheduler_{ours}_kernel"] = np.ascontiguousarray(kernel.T)
        params[f"scheduler_{ours}_bias"] = reader.read(f"rnn_params.{theirs}.b", outputs)
    for name in ("kernel", "bias"):
        gates = params[f"scheduler_lstm_{name}"].reshape(4, cells, -1)
        gates = gates[[0, 2, 1, 3]]  # Input, forget, candidate, output.
        if name == "bias":
            gates[1] += 1.0
        params[f"scheduler_lstm_{name}"] = gates.reshape(params[f"scheduler_lstm_{name}"].shape)
    for name in ("hidden", "cell"):
        params[f"scheduler_initial_{name}"] = reader.read(f"lstm_init_state.{name}", cells)
    return params
