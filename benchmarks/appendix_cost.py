"""Cost of a step of NTM-L-BFGS beside the plain LSTM of the same hidden size.

python -m benchmarks.appendix_cost

Prints nanoseconds and bytes of state per weight for 10^3 … 10^6 weights, and the peak of memory
of the step above them: O(nK) means that the first two do not grow with n, and the last no faster.
"""

import time

from absl import app, flags

from benchmarks.steps import Step
from l2l_tf import LearnedOptimizer, rules
from tools.timing import peak_bytes

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_multi_integer("weights", [10**3, 10**4, 10**5, 10**6], "Numbers of weights.", 1)
    flags.DEFINE_integer("window", 5, "K.", 1)
    flags.DEFINE_integer("repeats", 5, "Steps that are timed; the lowest counts.", 1)


def candidates(window):
    """Dict name → rule."""
    secant = {"controller": "secant_lstm", "read": "same_step", "read_heads": 2}
    return {
        "lstm": rules.LSTM(),
        "gac_lstm": rules.GACLSTM(),
        "ntm_lbfgs": rules.NTMLBFGS(window=window),
        "ntm_lbfgs, secant": rules.NTMLBFGS(window=window, **secant),
    }


def cost(rule, count, repeats):
    """An optimizer's compiled step on one variable of `count` weights.

    Returns:
        `(seconds, bytes)`: the lowest time of `repeats` steps; `peak_bytes` of one.
    """
    step = Step(lambda: LearnedOptimizer(1e-3, rule=rule), count, jit=True)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return min(times), peak_bytes(step)


def bytes_of_state(rule, count):
    """Bytes of state per weight."""
    if hasattr(rule, "bytes_per_weight"):
        return rule.bytes_per_weight(count)
    return 4 * rule.floats_per_coordinate()


def table(counts, window, repeats):
    """Yields the lines of a Markdown table as they are measured."""
    header = ["rule", "weights", "ns per weight", "times the lstm", "bytes of state per weight"]
    yield f"| {' | '.join([*header, 'peak of the step (MB)'])} |"
    yield "|---" * (len(header) + 1) + "|"
    for count in counts:
        plain = None
        for name, rule in candidates(window).items():
            seconds, peak = cost(rule, count, repeats)
            plain = plain or seconds
            row = [name, f"{count:,}", f"{1e9 * seconds / count:.0f}", f"{seconds / plain:.2f}"]
            row += [bytes_of_state(rule, count), "–" if peak is None else f"{peak / 1e6:.1f}"]
            yield f"| {' | '.join(map(str, row))} |"


def main(argv):
    del argv
    for line in table(FLAGS.weights, FLAGS.window, FLAGS.repeats):
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
