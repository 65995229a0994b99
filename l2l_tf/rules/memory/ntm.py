"""Rules with an external memory shared by all coordinates: NTM-BFGS and NTM-L-BFGS."""

import keras
import numpy as np
from keras import ops

from l2l_tf.core.config import choice, integer, number, optional, setting
from l2l_tf.rules.base import Context, MetaParams, Slots, Tensor, Tensors
from l2l_tf.rules.chunks import evaluate_in_chunks, write_in_chunks
from l2l_tf.rules.dtypes import widest_dtype
from l2l_tf.rules.memory.averaging import in_lockstep
from l2l_tf.rules.memory.controllers import Options, Signal
from l2l_tf.rules.memory.joint import Group, JointRule
from l2l_tf.rules.memory.storage import DenseMemory, WindowMemory
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

    controller: str = setting("lstm")
    read: str = choice("previous", READS)
    update_from: str = choice("controller", UPDATES)
    read_heads: int = integer(1, min=1)
    write_heads: int = integer(3, min=1)
    memory_scale: float = number(1.0, above=0)
    hidden_size: int = integer(20, min=1)
    layers: int = integer(2, min=1)
    averaging_cells: int | list = setting(2)
    preprocess: float | None = optional(number(10.0, above=0))
    output_scale: float = number(0.1)
    seed: int = integer(0)

    def options(self) -> Options:
        return super().options()._replace(same_step=self.read == "same_step")

    @property
    def memory(self) -> DenseMemory | WindowMemory:
        """What is read and written."""
        raise NotImplementedError(f"{type(self).__name__}.memory")

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        params = super().fresh_meta_params(generator)
        if params:  # An analytic controller learns nothing, and its σ is a constant.
            params["memory_log_scale"] = np.log(self.memory_scale).astype("float32")
        return params

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        last_read = {} if self.read == "same_step" else {"read": (self.read_heads,)}
        return {**super().slot_shapes(), **last_read}

    def shared_init(self, count: int, dtype: str) -> Slots:
        # A float: a whole number in the state would have no gradient in an unrolled loop.
        return {"started": ops.zeros((), dtype=dtype), **self.memory.init(count, dtype)}

    def bytes_per_weight(self, count: int, dtype: str = "float32") -> int:
        """Bytes of state of `dtype` per weight in a model of `count` weights."""
        return _bytes_of(dtype) * (
            self.floats_per_coordinate() + self.memory.floats(count) // count
        )

    def groups(self, variables: Tensors) -> list[tuple[list[int], str]]:
        return [(list(range(len(variables))), widest_dtype(variables))]

    def read_scale(self, meta_params: Slots, dtype: str) -> Tensor:
        """σ as a scalar of `dtype`."""
        if "memory_log_scale" in meta_params:
            return ops.exp(ops.cast(meta_params["memory_log_scale"], dtype))
        return ops.cast(self.memory_scale, dtype)

    def joint_update(
        self, meta_params: list[Slots], groups: list[Group], shared: Slots, context: Context
    ) -> tuple[list[tuple[Tensor, Slots]], Slots]:
        (group,), (params,) = groups, meta_params
        if group.large:
            return self._update_in_chunks(params, group, shared, context.iteration)
        gradient, slots = group.gradient, group.slots
        dtype = gradient.dtype
        count = ops.shape(gradient)[0]
        memory = {k: ops.cast(v, dtype) for k, v in shared.items() if k != "started"}
        scale = self.read_scale(params, dtype)
        signal = Signal(gradient, group.variable, slots, count, shared["started"] > 0)
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
        return [(self._step(emission.update, reads), slots)], _after(shared, written)

    def _step(self, update, reads):
        if self.update_from == "controller":
            return update
        step = self.controller_part.step_from_read(reads)
        return step if self.update_from == "read" else update + step

    def _update_in_chunks(self, params, group, shared, iteration):
        """`joint_update` of one group of many coordinates, with this step's read for the next."""
        controller, gradient, dtype = self.controller_part, group.gradient, group.dtype
        count, last = ops.shape(gradient)[0], controller.last_hidden
        scale = self.read_scale(params, dtype)
        signal = Signal(gradient, group.variable, group.slots, count)
        layers = controller.layers_in_chunks(params, signal, group.slots["read"], dtype, iteration)
        ((slots, heard),) = in_lockstep([layers], [count])

        def heads(gradient, slots, hidden):
            return controller.heads(params, signal._replace(gradient=gradient, slots=slots), hidden)

        def ask(gradient, touched, hidden, _):
            return {"read": heads(gradient, {"touched": touched}, heard(hidden)).queries}

        def act(gradient, old):
            hidden = heard(old[last])
            emission = heads(gradient, old, hidden)
            reads = self.memory.read_from(old, old["read"], products, scale)
            written = self.memory.write(old, emission.a, emission.b)
            new = {**emission.slots, **written, last: hidden, "read": reads}
            return self._step(emission.update, reads), new

        seen, queries = (gradient, slots["touched"], slots[last]), {"read": slots["read"]}
        slots.update(write_in_chunks(ask, seen, queries, dtype, iteration))
        memory = {name: value for name, value in shared.items() if name != "started"}
        products = self.memory.products_in_chunks(memory, slots["read"], dtype)
        old = {**{name: slots[name] for name in ("touched", "read", last)}, **memory}
        update, new = evaluate_in_chunks(act, (gradient,), old, dtype, iteration)
        written = {name: new.pop(name) for name in memory}
        return [(update, {**slots, **new})], _after(shared, written)


def _after(shared, written):
    """The shared state after a step that wrote a memory."""
    new = {name: ops.cast(value, shared[name].dtype) for name, value in written.items()}
    return {**new, "started": ops.ones_like(shared["started"])}


@register_rule("ntm_bfgs")
class NTMBFGS(MemoryRule):
    """NTM-BFGS: the memory is an n×n matrix, n the coordinates of all variables.

    O(n²) memory and time. See `MemoryRule`.

    Args:
        max_coordinates: Largest n for which the matrix is made.
        controller: As the further arguments, see `MemoryRule`.
    """

    max_coordinates: int = integer(10_000, min=1)

    @property
    def memory(self) -> DenseMemory | WindowMemory:
        return DenseMemory()

    def takes_chunks(self) -> bool:
        return False  # The matrix is what takes memory.

    def shared_init(self, count: int, dtype: str) -> Slots:
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
        controller: As the further arguments, see `MemoryRule`.
    """

    window: int = integer(5, min=1)

    @property
    def memory(self) -> DenseMemory | WindowMemory:
        return WindowMemory(self.write_heads, self.window)

    def takes_chunks(self) -> bool:
        return super().takes_chunks() and self.read == "previous"


def _bytes_of(dtype):
    return np.dtype(keras.backend.standardize_dtype(dtype)).itemsize
