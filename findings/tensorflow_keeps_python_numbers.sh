#!/usr/bin/env bash
# TensorFlow 2.21.0 with TensorBoard 2.21.0, outside of tf.function, on a CPU with glibc.
#
# Guess: a tensor that was made of a Python number and dropped is gone, as one made of an array is.
# Behaviour: a tensor of every value stays for good, with the number itself. Conversions of Python's
# floats and ints go through a cache by value, type and device that has no bound; NumPy's arrays and
# float32 scalars pass it by, float64 scalars, which are Python floats too, do not. So a loop that
# computes with a new number each time (tf.constant(loss), tf.summary.scalar("loss", float(loss)),
# a counter as the step of summaries) grows by as much each time.
# Seen: 570 to 660 bytes of allocated memory for each value, floats and ints; 1,140 for a summary
# (its value and its step); 0 for arrays, and for numbers seen before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'tensorflow-cpu==2.21.0' 'tensorboard==2.21.0'
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import ctypes
import sys

import numpy as np
import tensorflow as tf

VALUES = 5000


class Allocated(ctypes.Structure):
    """What glibc's mallinfo2 returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Allocated


def kept(make):
    """Bytes of live memory for each of many values."""
    for number in range(VALUES):
        make(number)
    before = mallinfo().uordblks
    for number in range(VALUES, 2 * VALUES):
        make(number)
    return (mallinfo().uordblks - before) / VALUES


def summary(value, step):
    with writer.as_default(step=step):
        tf.summary.scalar("loss", value)


writer = tf.summary.create_file_writer(sys.argv[1] + "/summaries")
found = {
    "float": kept(lambda n: tf.constant(n + 0.5)),
    "int": kept(lambda n: tf.constant(n)),
    "float64 scalar": kept(lambda n: tf.constant(np.float64(n + 0.25))),
    "summary": kept(lambda n: summary(n + 0.125, n + 10**6)),
    "float seen before": kept(lambda n: tf.constant(n % 10 + 0.5)),
    "float32 scalar": kept(lambda n: tf.constant(np.float32(n + 0.5))),
    "array": kept(lambda n: tf.constant(np.asarray(n + 0.5))),
    "summary of arrays": kept(lambda n: summary(np.asarray(n + 0.0625), np.asarray(n + 10**7))),
}
print({name: round(bytes_each) for name, bytes_each in found.items()})
assert all(found[name] > 300 for name in ("float", "int", "float64 scalar"))
assert found["summary"] > 800
for name in ("float seen before", "float32 scalar", "array", "summary of arrays"):
    assert abs(found[name]) < 50, name
print("tensorflow", tf.__version__, "as described")
PYTHON
