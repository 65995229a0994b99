"""Cost of an optimizer's step: time, memory, state, tracing and compiling."""

import gc
import math
import time

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.core.tracing import traced_apart
from l2l_tf.evaluation.cost import state_bytes
from tools.timing import interleaved, peak_bytes

ADAM = "keras adam"
DEFAULT = "default preset"
HALF = ", bfloat16 state"
# From this many floats of state in all a rule is left out: it would not fit the machine.
MAX_FLOATS = 1.2e9
# Beyond this many weights only these are measured: others take gigabytes of temporaries.
LARGE, AT_LARGE = 10**6, (ADAM, DEFAULT, "mixture", "celo", "lstm")


def optimizers():
    """Dict name → function that makes a fresh optimizer: Keras's Adam, the shipped default,
    every rule, two with state in half precision, and every preset."""
    made = {ADAM: lambda: keras.optimizers.Adam(1e-3), DEFAULT: LearnedOptimizer}
    for name in rules.names():
        made[name] = lambda name=name: LearnedOptimizer(1e-3, rule=rules.get(name))
    for name in ("lstm", "mixture"):
        made[f"{name}{HALF}"] = lambda name=name: LearnedOptimizer(
            1e-3, rule=rules.get(name), state_dtype="bfloat16"
        )
    for name in presets.list_presets():
        made[name] = lambda name=name: LearnedOptimizer(preset=name)
    return made


class Step:
    """A compiled `apply` on `variables` zero variables of `count` weights together.

    Attributes:
        seconds_to_first: Building, tracing, compiling and taking the first step.
        traces: How often the step was traced so far.
        bytes_of_state: Bytes of slots per weight.
    """

    def __init__(self, make, count, jit, variables=1):
        started = time.perf_counter()
        size = count // variables
        shape = _shape(size)
        self.variables = [keras.Variable(np.zeros(shape, "float32")) for _ in range(variables)]
        self.gradients = [tf.random.stateless_normal(shape, [0, i]) for i in range(variables)]
        self.optimizer = make()
        self.optimizer.build(self.variables)
        self.traces = 0

        def step(gradients):
            self.traces += 1
            self.optimizer.apply(gradients, self.variables)

        self.step = traced_apart(step, jit)
        self()
        self.seconds_to_first = time.perf_counter() - started

    def __call__(self):
        self.step(self.gradients)

    @property
    def bytes_of_state(self):
        """Bytes per weight of what grows with the weights: no meta-parameters, no counters."""
        return state_bytes(self.optimizer) / sum(math.prod(v.shape) for v in self.variables)


def _shape(size):
    """A matrix where that is possible: rules look at rows and columns."""
    rows = 2 ** int(math.log2(math.sqrt(size)))
    while size % rows:
        rows //= 2
    return (rows, size // rows) if rows > 1 else (size,)


def measure(counts, repeats, names=None):
    """Rows with the cost of a step of every optimizer, at every count, with and without jit.

    Returns:
        List of dicts: `optimizer`, `weights`, `jit`, `ns_per_weight`, `first_seconds`,
        `traces`, `state_bytes_per_weight`, `peak_bytes`, `times_adam` (Adam's step measured in
        turn with it); or `skipped`, with the reason.
    """
    rows = []
    for count in counts:
        for jit in (False, True):
            known = AT_LARGE if count > LARGE else optimizers()
            groups = _groups([n for n in known if not names or n in names], count)
            for number, group in enumerate(groups):
                found = _measured_together(group, count, jit, repeats)
                rows += [r for r in found if not number or r["optimizer"] != ADAM]
                print(*(_brief(r) for r in found), sep="; ", flush=True)
    return rows


def _brief(row):
    measured = row.get("skipped") or f"{row['ns_per_weight']:.4g} ns"
    return f"{row['optimizer']} {row['weights']:.0e}{' jit' * row['jit']}: {measured}"


def _groups(names, count):
    """Lists of optimizers whose state fits the machine at once, each with Keras's Adam."""
    groups, used = [], 0
    for name in names:
        if name == ADAM:
            continue
        floats = _floats(name) * count
        if not groups or used + floats > MAX_FLOATS:
            groups.append([ADAM])
            used = 0
        groups[-1].append(name)
        used += floats
    return groups or [[ADAM]]


def _measured_together(names, count, jit, repeats):
    gc.collect()
    steps, rows = {}, []
    for name in names:
        row = {"optimizer": name, "weights": count, "jit": jit}
        try:
            if _floats(name) * count > MAX_FLOATS:
                raise ValueError("state larger than this benchmark allows")
            steps[name] = Step(optimizers()[name], count, jit)
        except (tf.errors.OpError, ValueError) as error:
            rows.append({**row, "skipped": reason_of(error)})
    peaks = {name: peak_bytes(step) for name, step in steps.items()}
    seconds = interleaved(steps, repeats)
    rows += [
        {
            "optimizer": name,
            "weights": count,
            "jit": jit,
            "ns_per_weight": 1e9 * seconds[name] / count,
            "times_adam": seconds[name] / seconds[ADAM],
            "first_seconds": step.seconds_to_first,
            "traces": step.traces,
            "state_bytes_per_weight": step.bytes_of_state,
            "peak_bytes": peaks[name],
        }
        for name, step in steps.items()
    ]
    return rows


def reason_of(error):
    """Why something was not measured, in a few words."""
    text = str(error).splitlines()[0]
    return "not there yet" if text.startswith("Unknown preset") else text[:120]


def many_variables(total, numbers, name, repeats):
    """Rows of one optimizer with `total` weights in several numbers of variables, jit."""
    make = optimizers()[name]
    steps = {number: Step(make, total, True, number) for number in numbers}
    seconds = interleaved(steps, repeats)
    return [
        {
            "optimizer": name,
            "variables": number,
            "ns_per_weight": 1e9 * seconds[number] / total,
            "first_seconds": steps[number].seconds_to_first,
        }
        for number in numbers
    ]


def _floats(name):
    """Floats of state per weight."""
    if name == ADAM:
        return 2
    preset = presets.default_preset() if name == DEFAULT else name
    known = preset in presets.list_presets()
    rule = presets.load_preset(preset) if known else rules.get(name.removesuffix(HALF))
    state = rule.init([np.zeros((64, 64), "float32")])
    slots = [*state.variables[0].values(), *state.shared.values()]
    return sum(math.prod(t.shape) for t in slots) / 64**2
