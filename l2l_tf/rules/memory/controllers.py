"""Controllers: what stands between a gradient and the heads of an averaging rule.

A controller is a replaceable part of `gac_lstm`, `ntm_bfgs` and `ntm_lbfgs`: an LSTM, or
an analytic function of the gradient, the read and averages (`analytic_controllers`).
"""

from typing import Any, NamedTuple

from keras import ops

from l2l_tf.cells import linear, linear_meta_params, log_and_sign, only_where, touched
from l2l_tf.core.registry import Registry
from l2l_tf.rules.chunks import evaluate_in_chunks
from l2l_tf.rules.lstm import lstm_slot_shapes, stacked_lstm_meta_params
from l2l_tf.rules.memory.averaging import (
    averaged_cells,
    averaging_lstm_in_chunks,
    averaging_lstm_step,
)

CONTROLLERS = Registry("controller")
register_controller, controller_names = CONTROLLERS.register, CONTROLLERS.names


class Options(NamedTuple):
    """What a rule tells its controller, which ignores what it has no use for.

    Attributes:
        read_heads: Vectors read from the memory per step; 0 without a memory.
        write_heads: Outer products written per step.
        same_step: Whether `emit` gets this step's read, else the last step's.
        memory_scale: σ of the initial memory σ I.
        hidden_size: Cells per LSTM layer.
        layers: LSTM layers.
        averaging_cells: Global averaging cells, as `averaging.averaged_cells` takes them.
        preprocess: p of `log_and_sign`, or None; for "lstm" alone.
        output_scale: Factor on what "lstm" emits as update; the bound of "l2_clipping".
    """

    read_heads: int = 0
    write_heads: int = 0
    same_step: bool = False
    memory_scale: float = 1.0
    hidden_size: int = 20
    layers: int = 2
    averaging_cells: Any = 2
    preprocess: Any = 10.0
    output_scale: float = 0.1


class Signal(NamedTuple):
    """What a controller sees of one chunk of the coordinates.

    Attributes:
        gradient: `[n]`.
        variable: `[n]`, before the step.
        slots: Dict name → `[…, n]`.
        count: Number of coordinates that the averages are over: all groups' together, or
            this one's where every variable averages by itself.
        started: Scalar bool: whether slots hold an earlier step; None without a memory.
    """

    gradient: Any
    variable: Any
    slots: dict
    count: Any
    started: Any = None


class Emission(NamedTuple):
    """What a controller's heads emit for one chunk.

    Attributes:
        update: `[n]`.
        slots: Dict as `Signal.slots`.
        queries: `[read_heads, n]` for the read of this step; None if `query` was asked.
        a: `[write_heads, n]`.
        b: `[write_heads, n]`.
    """

    update: Any
    slots: dict
    queries: Any = None
    a: Any = None
    b: Any = None


class Controller:
    """Base class: pure functions of meta-parameters and a `Signal`.

    Attributes:
        needs_same_step: Whether it works only with a memory, and this step's read of it.
        has_memory_heads: Whether it can read and write a memory.
        takes_chunks: Whether it has an `emit_in_chunks`.
    """

    needs_same_step = False
    has_memory_heads = True
    takes_chunks = False

    def __init__(self, options):
        self.options = options

    def initial_meta_params(self, generator):
        """Dict name → float32 array; empty for analytic controllers."""
        del generator
        return {}

    def slot_shapes(self):
        """Dict slot name → its shape per coordinate."""
        return {}

    def query(self, meta_params, signal):
        """`[read_heads, n]`, asked before the read where `emit` gets this step's read."""
        raise NotImplementedError(f"{type(self).__name__}.query")

    def emit(self, meta_params, signal, reads):
        """An `Emission`, as a generator that yields what is to be averaged.

        Args:
            meta_params: Dict as `initial_meta_params` gives it.
            signal: `Signal`.
            reads: `[read_heads, n]`; None without a memory.

        Yields:
            `[k, n]`, and wants the means `[k, 1]` (`averaging.in_lockstep`).
        """
        raise NotImplementedError(f"{type(self).__name__}.emit")

    def emit_in_chunks(self, meta_params, signal, dtype, iteration):
        """`emit` without a memory, a chunk of the coordinates at a time.

        Args:
            meta_params: As in `emit`.
            signal: `Signal` whose tensors may be of any dtype.
            dtype: Dtype in which to compute.
            iteration: See `chunks.write_in_chunks`.

        Yields:
            `[k, 1]`, the sums over all of the signal's coordinates of what `emit` yields.
        """
        raise NotImplementedError(f"{type(self).__name__}.emit_in_chunks")

    def step_from_read(self, reads):
        """`[n]`: the step that a read stands for, −M r of the first head."""
        return -reads[0]


def make_controller(name, options):
    """The controller registered under `name`.

    Raises:
        ValueError: If the name is unknown, or the controller needs another rule or setting.
    """
    cls = CONTROLLERS.named(name)
    if options.read_heads and not cls.has_memory_heads:
        raise ValueError(
            f"The controller {name!r} has no heads for a memory: it is one for `gac_lstm`. "
            f"Received: controller={name!r}"
        )
    if cls.needs_same_step and not options.read_heads:
        raise ValueError(
            f"The controller {name!r} needs a memory: it is one for `ntm_bfgs` and `ntm_lbfgs`. "
            f"Received: controller={name!r}"
        )
    if cls.needs_same_step and not options.same_step:
        raise ValueError(
            f"The controller {name!r} needs this step's read: give it read='same_step'. "
            f"Received: {options}"
        )
    return cls(options)


@register_controller("lstm")
class LSTMController(Controller):
    """The paper's controller: a coordinatewise LSTM with global averaging cells.

    Its inputs are `log_and_sign` of the gradient and of the reads (or they themselves).
    Linear heads on the last layer emit a, b and the update; r is linear in the gradient's
    features and the last layer, the last step's where this step's read is wanted.

    A coordinate that never saw a gradient other than zero asks, writes and moves nothing.

    Without heads and averaging cells it is the rule `lstm`.
    """

    takes_chunks = True

    def __init__(self, options):
        super().__init__(options)
        self.averaged = averaged_cells(options.averaging_cells, options.layers, options.hidden_size)
        self.last_hidden = f"lstm_{options.layers - 1}_hidden"

    def initial_meta_params(self, generator):
        o = self.options
        features = 1 if o.preprocess is None else 2
        params = stacked_lstm_meta_params(
            generator, features * (1 + o.read_heads), o.layers, o.hidden_size
        )
        heads = {"query": (o.hidden_size + features, o.read_heads)}
        heads["write"] = (o.hidden_size, 2 * o.write_heads)
        for name, (inputs, outputs) in heads.items():
            if outputs:
                head = linear_meta_params(generator, inputs, outputs, 0.1)
                params.update({f"{name}_{key}": value for key, value in head.items()})
        return params

    def slot_shapes(self):
        return {
            "touched": (),
            **lstm_slot_shapes(self.options.layers, self.options.hidden_size),
        }

    def _features(self, vector):
        if self.options.preprocess is None:
            return vector[None]
        return log_and_sign(vector, self.options.preprocess)

    def _queries(self, meta_params, signal, hidden):
        features = ops.concatenate([hidden, self._features(signal.gradient)], axis=0)
        found = linear(features, meta_params["query_kernel"], meta_params["query_bias"])
        return only_where(_known(signal), found)[0]

    def query(self, meta_params, signal):
        return self._queries(meta_params, signal, signal.slots[self.last_hidden])

    def _inputs(self, gradient, reads=None):
        heads = [reads[head] for head in range(self.options.read_heads)]
        return ops.concatenate([self._features(v) for v in (gradient, *heads)], axis=0)

    def emit(self, meta_params, signal, reads):
        hidden, slots = yield from averaging_lstm_step(
            self._inputs(signal.gradient, reads),
            signal.slots,
            meta_params,
            self.options.layers,
            self.averaged,
        )
        emission = self.heads(meta_params, signal, hidden)
        return emission._replace(slots={**slots, **emission.slots})

    def heads(self, meta_params, signal, hidden):
        """The `Emission` of the last layer's features `[hidden, n]`; no layer's slots are in it."""
        o, known = self.options, _known(signal)
        output = linear(hidden, meta_params["output_kernel"], meta_params["output_bias"])
        queries = a = b = None
        if o.read_heads and not o.same_step:
            queries = self._queries(meta_params, signal, hidden)
        if o.write_heads:
            rows = linear(hidden, meta_params["write_kernel"], meta_params["write_bias"])
            (rows,) = only_where(known, rows)
            a, b = rows[: o.write_heads], rows[o.write_heads :]
        (update,) = only_where(known, o.output_scale * output[0])
        return Emission(update, {"touched": ops.cast(known, update.dtype)}, queries, a, b)

    def layers_in_chunks(self, meta_params, signal, reads, dtype, iteration):
        """`averaging_lstm_in_chunks` on what `emit` is given."""
        return averaging_lstm_in_chunks(
            self._inputs,
            (signal.gradient, *([] if reads is None else [reads])),
            signal.slots,
            meta_params,
            self.averaged,
            dtype,
            iteration,
        )

    def emit_in_chunks(self, meta_params, signal, dtype, iteration):
        layers = self.layers_in_chunks(meta_params, signal, None, dtype, iteration)
        slots, heard = yield from layers

        def heads(gradient, old):
            hidden = heard(old[self.last_hidden])
            emission = self.heads(meta_params, Signal(gradient, None, old, signal.count), hidden)
            return emission.update, {**emission.slots, self.last_hidden: hidden}

        written = {name: slots[name] for name in (self.last_hidden, "touched")}
        update, new = evaluate_in_chunks(heads, (signal.gradient,), written, dtype, iteration)
        return Emission(update, {**slots, **new})

    def step_from_read(self, reads):
        return -self.options.output_scale * reads[0]


def _known(signal):
    return touched(signal.gradient, signal.slots["touched"])
