"""Texts of the middle suite, in words: dicts split ("train", "test") → arrays.

The last tenth of a text is held out. Word 0 stands for all rare ones.
"""

import ast
import collections
import functools
import pathlib
import re
import sysconfig

import numpy as np

from l2l_tf.evaluation.suite.sources import HELD_OUT_ROWS, divided, windows

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


def skip_grams(text, known, reach=2, max_pairs=300_000):
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
        pairs = pairs[: max_pairs if split == "train" else HELD_OUT_ROWS]
        found[split] = (pairs[:, 0], pairs[:, 1])
    return found


def neighbouring_lines(text, length, known):
    """A line's words → the next line's; both `[n, length]`, filled up with 0.

    Rare words are left out here, and so are lines of fewer than three others.
    """
    lines = numbered_rows([words_of(line) for line in text.splitlines()], known)
    rows = filled([line for line in lines if len(line) >= 3], length)
    edge = int(0.9 * len(rows))
    pairs = rows[:-1], rows[1:]
    order = np.random.default_rng(5).permutation(edge - 1)
    return {
        "train": tuple(side[: edge - 1][order] for side in pairs),
        "test": tuple(side[edge:][:HELD_OUT_ROWS] for side in pairs),
    }


def numbered_rows(rows, known):
    """`numbered` over lists of words, without the rare ones."""
    codes = numbered([word for row in rows for word in row], known)
    edges = np.cumsum([len(row) for row in rows])[:-1]
    return [piece[piece > 0] for piece in np.split(codes, edges)]


def filled(rows, length):
    """Rows of numbers cut to `length`, or filled up with 0: `[n, length]` int32."""
    found = np.zeros((len(rows), length), "int32")
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row[:length]
    return found


def pieces_of_modules(part, length, known, classes):
    """Pieces of source → which of the `classes` longest modules they come from."""
    by_length = sorted(modules(part).items(), key=lambda pair: (-len(pair[1]), pair[0]))
    texts = [words_of(text) for _, text in by_length[:classes]]
    codes = numbered([word for text in texts for word in text], known)
    found = {"train": [], "test": []}
    for label, piece in enumerate(np.split(codes, np.cumsum([len(t) for t in texts])[:-1])):
        rows = piece[: len(piece) // length * length].reshape(-1, length)
        edge = int(0.9 * len(rows))
        for split, kept in (("train", rows[:edge]), ("test", rows[edge:])):
            found[split].append((kept, np.full(len(kept), label, "int32")))
    splits = {}
    for split, parts in found.items():
        rows, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.random.default_rng(6).permutation(len(rows))
        order = order if split == "train" else order[:HELD_OUT_ROWS]
        splits[split] = (rows[order], labels[order])
    return splits


def speakers(play, length, known, classes):
    """The first words of a speech → who speaks, of the `classes` who speak most often.

    Args:
        play: Text in which a line of capitals that ends in a point or colon is a name.
    """
    found = re.findall(r"^([A-Z][A-Z ]+)[.:]\n((?:.+\n)+)", play, re.MULTILINE)
    often = [n for n, _ in collections.Counter(name for name, _ in found).most_common(classes)]
    kept = [(often.index(name), words_of(said)) for name, said in found if name in often]
    rows = filled(numbered_rows([said for _, said in kept], known), length)
    return divided(rows, np.array([name for name, _ in kept], "int32"))


@functools.cache
def names_of_docstrings(length, name_length):
    """The first line of a docstring → the name of what it describes, letter by letter.

    Of all functions and classes in Python's standard library. Codes are those of `letters`.

    Returns:
        Dict split → `(line [n, length], name before [n, name_length], name [n, name_length])`:
        a name ends with a 0, and "before" is one letter behind, after a first 1.
    """
    directory = pathlib.Path(sysconfig.get_path("stdlib"))
    pairs = []
    for path in sorted([*directory.glob("*.py"), *directory.glob("*/*.py")]):
        if path.parent.name in ("test", "idlelib", "lib2to3", "site-packages"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                pairs.append((ast.get_docstring(node).partition("\n")[0], node.name))
    pairs = list(dict.fromkeys(pairs))
    lines = filled([letters(line) for line, _ in pairs], length)
    names = filled([letters(name) for _, name in pairs], name_length)
    before = np.concatenate([np.ones((len(names), 1), "int32"), names[:, :-1]], axis=1)
    order = divided(np.arange(len(pairs)), np.arange(len(pairs)))
    return {split: (lines[i], before[i], names[i]) for split, (i, _) in order.items()}


LETTERS = 98


def letters(text):
    """Codes of characters: 2 to 96 in ASCII's order, 97 for others; 0 and 1 are free."""
    return np.array([ord(c) - 30 if " " <= c <= "~" else LETTERS - 1 for c in text], "int32")
