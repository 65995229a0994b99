"""Bytes of state per weight of every rule and preset: the table of docs/rules.md.

python -m benchmarks.state_bytes
"""

import math

import tensorflow as tf
from absl import app

from l2l_tf import presets, rules
from l2l_tf.optimizer.variables import Spec

# A kernel on which rows, columns and what a variable keeps as a whole weigh little, a bias, and a
# kernel for rules that keep more than so many bytes per weight on the first.
KERNEL, BIAS = (200, 500), (500,)


def bytes_per_weight(rule, shape):
    """Bytes of state per weight of one variable, in float32; None if a rule refuses its size."""
    try:
        return total_bytes(rule, [shape]) / math.prod(shape)
    except ValueError:
        return None


def total_bytes(rule, shapes):
    """Bytes of all arrays that a rule keeps for variables of these shapes, in float32."""
    paths = ["dense/kernel" if shape[1:] else "dense/bias" for shape in shapes]
    layouts = [rules.layout_of(*each) for each in zip(shapes, paths, strict=True)]
    state = rule.laid_out(layouts).init([Spec(tf.zeros(shape)) for shape in shapes])
    parts = [*state.variables, state.shared]
    tensors = [t for part in parts for t in part.values() if len(t.shape)]
    return sum(math.prod(t.shape) * t.dtype.size for t in tensors)


def table():
    """Lines of a Markdown table, hand-crafted and untrained rules first, then presets."""
    named = {f"`{name}`": rules.get(name) for name in rules.names()}
    named |= {f"preset `{name}`": presets.load_preset(name) for name in presets.list_presets()}
    lines = [f"| | kernel {KERNEL[0]} × {KERNEL[1]} | bias of {BIAS[0]} |", "|---|---|---|"]
    for name, rule in named.items():
        cells = [_cell(bytes_per_weight(rule, shape)) for shape in (KERNEL, BIAS)]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return lines


def _cell(value):
    return "refused" if value is None else f"{value:.4g}"


def main(argv):
    del argv
    print("\n".join(table()))


if __name__ == "__main__":
    app.run(main)
