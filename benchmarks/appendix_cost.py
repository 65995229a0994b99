"""Cost of a step of NTM-L-BFGS beside the plain LSTM of the same hidden size.

python benchmarks/appendix_cost.py

Prints nanoseconds and bytes of state per weight for 10^3 … 10^6 weights: O(nK) means that
neither grows with n.
"""

import time

import tensorflow as tf
from absl import app, flags

from l2l_tf import rules

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_multi_integer("weights", [10**3, 10**4, 10**5, 10**6], "Numbers of weights.", 1)
    flags.DEFINE_integer("window", 5, "K.", 1)
    flags.DEFINE_integer("repeats", 5, "Steps that are timed; the least counts.", 1)


def seconds(rule, count, repeats):
    """Least time of a compiled step on one variable of `count` weights."""
    variable = tf.zeros([count])
    gradient = tf.random.stateless_normal([count], [0, 0])
    state = rule.init([variable])

    @tf.function(jit_compile=True, autograph=False)
    def step(state):
        updates, state = rule.update([gradient], state, [variable], rules.Context(1))
        return updates[0], state

    _, state = step(state)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        update, state = step(state)
        update.numpy()
        times.append(time.perf_counter() - started)
    return min(times)


def main(argv):
    del argv
    window = {"window": FLAGS.window}
    secant = {"controller": "secant_lstm", "read": "same_step", "read_heads": 2}
    candidates = {
        "lstm": rules.LSTM(),
        "gac_lstm": rules.GACLSTM(),
        "ntm_lbfgs": rules.NTMLBFGS(**window),
        "ntm_lbfgs, secant": rules.NTMLBFGS(**secant, **window),
    }
    print("| rule | weights | ns per weight | times the lstm | bytes of state per weight |")
    print("|---|---|---|---|---|")
    for count in FLAGS.weights:
        plain = None
        for name, rule in candidates.items():
            taken = seconds(rule, count, FLAGS.repeats)
            plain = plain or taken
            kept = (
                rule.bytes_per_weight()
                if hasattr(rule, "bytes_per_weight")
                else 4 * rule.floats_per_coordinate()
            )
            nanoseconds = 1e9 * taken / count
            print(f"| {name} | {count:,} | {nanoseconds:.0f} | {taken / plain:.2f} | {kept} |")


if __name__ == "__main__":
    app.run(main)
