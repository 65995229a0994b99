"""Texts of the middle suite, in words: dicts split ("train", "test") → arrays.

The last tenth of a text is held out. Word 0 stands for all rare ones.
"""

import collections
import functools
import pathlib
import re
import sysconfig

import numpy as np

from l2l_tf.evaluation.suite.sources import HELD_OUT_ROWS, windows

PARTS = ("even", "odd")


@functools.cache
def modules(part):
    """Dict name → source of Python's standard library, every other module in `part`.

    Packages are left out: only modules that are one file.

    Args:
        part: One of `PARTS`.
    """
    directory = pathlib.Path(sysconfig.get_path("stdlib"))
    paths = sorted(directory.glob("*.py"))[PARTS.index(part) :: 2]
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


@functools.cache
def library(part):
    """The source of `modules(part)` as one text."""
    return "\n".join(modules(part).values())


@functools.cache
def words_of(text):
    """Words and signs of a text in lower case, one after the other."""
    return re.findall(r"[^\W_]+|[^\w\s]", text.lower())


def numbered(words, known):
    """Numbers of words: 1 for the most frequent one to `known` − 1, and 0 for all others."""
    frequent = [w for w, _ in collections.Counter(words).most_common(known - 1)]
    number = {word: i + 1 for i, word in enumerate(frequent)}
    return np.array([number.get(word, 0) for word in words], "int32")


def following_words(text, length, known, rows=8192):
    """Pieces of `length` words → the same a word later."""
    codes = numbered(words_of(text)[: int(1.2 * rows * length)], known)
    return windows(codes, length, rows)


def skip_grams(text, known, reach=2, most=300_000):
    """A word → one within `reach` words of it (Mikolov et al. 2013)."""
    codes = numbered(words_of(text), known)
    edge = int(0.9 * len(codes))
    found = {}
    for split, piece in (("train", codes[:edge]), ("test", codes[edge:])):
        pairs = [
            pair
            for shift in range(1, reach + 1)
            for left, right in [(piece[:-shift], piece[shift:])]
            for pair in (np.stack([left, right], 1), np.stack([right, left], 1))
        ]
        pairs = np.random.default_rng(3).permutation(np.concatenate(pairs))
        pairs = pairs[: most if split == "train" else HELD_OUT_ROWS]
        found[split] = (pairs[:, 0], pairs[:, 1])
    return found
