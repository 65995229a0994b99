"""Rules with an external memory shared by all coordinates: NTM-BFGS and NTM-L-BFGS."""

import inspect

import keras
import numpy as np
from keras import ops

from l2l_tf.cells import DenseMemory, WindowMemory, in_lockstep
from l2l_tf.rules.controllers import Options, Signal, make_controller
from l2l_tf.rules.joining import widest_dtype
from l2l_tf.rules.joint import JointRule
from l2l_tf.rules.registry import register_rule

UPDATES = ("controller", "read", "sum")
READS = ("previous", "same_step")


class MemoryRule(JointRule):
    """A controller with an external memory, Andrychowicz et al. (2016), appendix.

    One step: the read heads emit r; `M_t r` is read; the controller takes averages and
    emits a, b and its update; `M_{t+1} = M_t + Σ a bᵀ`, with `M_0 = σ I`.

    Args:
        controller: "lstm" (the paper's), "secant_lstm", or an analytic one: "bfgs",
            "memoryless_bfgs".
        read: What the controller sees: the read of the "previous" step (the paper's), or
            of the "same_step".
        update_from: g_t: what the "controller" emits, −M_t r of the first "read" head (times
            `output_scale` under the controller "lstm"), or their "sum". What is read has no
            limit: that of "secant_lstm" holds for what the controller emits.
        read_heads: Vectors read per step.
        write_heads: Outer products written per step.
        memory_scale: σ: where a learned controller's starts, the constant of an analytic one.
        hidden_size: Cells per LSTM layer.
        layers: LSTM layers.
        averaging_cells: As in `gac_lstm`.
        preprocess: As in `lstm`; the controller "lstm" alone heeds it.
        output_scale: As in `lstm`; the controller "lstm" alone heeds it.
        seed: Seed of the untrained meta-parameters.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        controller="lstm",
        read="previous",
        update_from="controller",
        read_heads=1,
        write_heads=3,
        memory_scale=1.0,
        hidden_size=20,
        layers=2,
        averaging_cells=2,
        preprocess=10.0,
        output_scale=0.1,
        seed=0,
    ):
        for name, value, choices in (("read", read, READS), ("update_from", update_from, UPDATES)):
            if value not in choices:
                raise ValueError(f"`{name}` is one of {choices}. Received: {name}={value!r}")
        for name, value in (("read_heads", read_heads), ("write_heads", write_heads)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` is a positive integer. Received: {name}={value!r}")
        if not memory_scale > 0:
            raise ValueError(f"`memory_scale` is positive. Received: memory_scale={memory_scale!r}")
        self.controller = controller
        self.read = read
        self.update_from = update_from
        self.read_heads = read_heads
        self.write_heads = write_heads
        self.memory_scale = memory_scale
        self.hidden_size = hidden_size
        self.layers = layers
        self.averaging_cells = averaging_cells
        self.preprocess = preprocess
        self.output_scale = output_scale
        self.seed = seed
        self.controller_part = make_controller(
            controller,
            Options(
                read_heads=read_heads,
                write_heads=write_heads,
                same_step=read == "same_step",
                memory_scale=memory_scale,
                hidden_size=hidden_size,
                layers=layers,
                averaging_cells=averaging_cells,
                preprocess=preprocess,
                output_scale=output_scale,
            ),
        )
        self.meta_params = self.initial_meta_params()

    def get_config(self):
        signatures = (inspect.signature(c.__init__) for c in (type(self), MemoryRule))
        names = [name for signature in signatures for name in signature.parameters]
        return {name: getattr(self, name) for name in names if name not in ("self", "kwargs")}

    @property
    def memory(self):
        """`DenseMemory` or `WindowMemory`."""
        raise NotImplementedError(f"{type(self).__name__}.memory")

    def initial_meta_params(self, seed=None):
        params = super().initial_meta_params(seed)
        if params:  # An analytic controller learns nothing, and its σ is a constant.
            params["memory_log_scale"] = np.log(self.memory_scale).astype("float32")
        return params

    def slot_shapes(self):
        last_read = {} if self.read == "same_step" else {"read": (self.read_heads,)}
        return {**super().slot_shapes(), **last_read}

    def shared_init(self, count, dtype):
        # A float: a whole number in the state would have no gradient in an unrolled loop.
        return {"started": ops.zeros((), dtype=dtype), **self.memory.init(count, dtype)}

    def bytes_per_weight(self, count, dtype="float32"):
        """Bytes of state of `dtype` per weight in a model of `count` weights."""
        return _bytes_of(dtype) * (
            self.floats_per_coordinate() + self.memory.floats(count) // count
        )

    def chunks(self, variables):
        return [(list(range(len(variables))), widest_dtype(variables))]

    def read_scale(self, meta_params, dtype):
        """σ as a scalar of `dtype`."""
        if "memory_log_scale" in meta_params:
            return ops.exp(ops.cast(meta_params["memory_log_scale"], dtype))
        return ops.cast(self.memory_scale, dtype)

    def joint_update(self, meta_params, chunks, shared, context):
        del context
        ((gradient, slots, variable),) = chunks
        (params,) = meta_params
        dtype = gradient.dtype
        count = ops.shape(gradient)[0]
        memory = {k: ops.cast(v, dtype) for k, v in shared.items() if k != "started"}
        scale = self.read_scale(params, dtype)
        signal = Signal(gradient, variable, slots, count, shared["started"] > 0)
        if self.read == "same_step":
            reads = self.memory.read(memory, self.controller_part.query(params, signal), scale)
            (emission,) = in_lockstep([self.controller_part.emit(params, signal, reads)], [count])
            slots = emission.slots
        else:
            last = slots["read"]
            (emission,) = in_lockstep([self.controller_part.emit(params, signal, last)], [count])
            reads = self.memory.read(memory, emission.queries, scale)
            slots = {**emission.slots, "read": reads}
        written = self.memory.write(memory, emission.a, emission.b)
        new_shared = {k: ops.cast(v, shared[k].dtype) for k, v in written.items()}
        new_shared["started"] = ops.ones_like(shared["started"])
        update = emission.update
        if self.update_from != "controller":
            step = self.controller_part.step_from_read(reads)
            update = step if self.update_from == "read" else update + step
        return [(update, slots)], new_shared


@register_rule("ntm_bfgs")
class NTMBFGS(MemoryRule):
    """NTM-BFGS: the memory is an n×n matrix, n the coordinates of all variables.

    O(n²) memory and time. See `MemoryRule`.

    Args:
        max_coordinates: Largest n for which the matrix is made.
        **kwargs: Arguments of `MemoryRule`.
    """

    def __init__(self, max_coordinates=10_000, **kwargs):
        if not isinstance(max_coordinates, int) or max_coordinates < 1:
            raise ValueError(
                "`max_coordinates` is a positive integer. "
                f"Received: max_coordinates={max_coordinates!r}"
            )
        self.max_coordinates = max_coordinates
        super().__init__(**kwargs)

    @property
    def memory(self):
        return DenseMemory()

    def shared_init(self, count, dtype):
        if count > self.max_coordinates:
            config = self.get_config()
            del config["max_coordinates"]
            window = NTMLBFGS(**config).bytes_per_weight(count, dtype)
            matrix = count * count * _bytes_of(dtype)
            raise ValueError(
                f"ntm_bfgs keeps a matrix of {count:,} × {count:,} numbers, "
                f"{matrix / 1e9:.1f} GB, and refuses above max_coordinates="
                f"{self.max_coordinates:,}. Use ntm_lbfgs, which takes "
                f"{window:,} bytes per weight, {count * window / 1e9:.3g} GB here; or raise "
                f"max_coordinates. Received: {count} coordinates"
            )
        return super().shared_init(count, dtype)


@register_rule("ntm_lbfgs")
class NTMLBFGS(MemoryRule):
    """NTM-L-BFGS: the memory is the outer products of the last K steps, O(nK).

    `M r = σ r + Σ_k a^k (b^k · r)`. See `MemoryRule`.

    Args:
        window: K, steps whose writes are kept; each keeps one pair per write head.
        **kwargs: Arguments of `MemoryRule`.
    """

    def __init__(self, window=5, **kwargs):
        if not isinstance(window, int) or window < 1:
            raise ValueError(f"`window` is a positive integer. Received: window={window!r}")
        self.window = window
        super().__init__(**kwargs)

    @property
    def memory(self):
        return WindowMemory(self.write_heads, self.window)


def _bytes_of(dtype):
    return np.dtype(keras.backend.standardize_dtype(dtype)).itemsize
