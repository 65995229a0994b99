"""Data of the suite's tasks: dicts split ("train", "test") → `(inputs, targets)` arrays.

Whatever is drawn at random here is drawn once, from a fixed seed.
"""

import collections
import functools
import unicodedata
from typing import Any

import numpy as np

from l2l_tf import data
from l2l_tf.tasks.bundled import bundled
from l2l_tf.tasks.images import area_average

HELD_OUT_ROWS = 1024


def divided(inputs, targets, seed=0, share=0.25, max_rows=None):
    """Shuffled rows, a quarter of them (at most `HELD_OUT_ROWS`) held out."""
    order = np.random.default_rng(seed).permutation(len(inputs))[:max_rows]
    test = min(round(share * len(order)), HELD_OUT_ROWS)
    parts = {"train": order[test:], "test": order[:test]}
    return {split: (inputs[index], targets[index]) for split, index in parts.items()}


def standardised(splits, targets=False):
    """Columns with mean 0 and deviation 1 on the training rows; also of targets if wanted."""

    def scale(position):
        train = splits["train"][position]
        mean, deviation = train.mean(axis=0), train.std(axis=0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        return {s: ((a[position] - mean) / deviation).astype("float32") for s, a in splits.items()}

    inputs = scale(0)
    outputs = scale(1) if targets else {split: pair[1] for split, pair in splits.items()}
    return {split: (inputs[split], outputs[split]) for split in splits}


@functools.cache
def table(name, scaled=True):
    """One of scikit-learn's tables: "iris", "wine", "breast_cancer", "diabetes", "digits".

    Args:
        name: Of `sklearn.datasets.load_…`.
        scaled: Whether the columns are standardised; else they are as measured.
    """
    loaded = bundled(name)
    inputs = loaded.data.astype("float32")
    regression = name == "diabetes"
    targets = loaded.target.astype("float32" if regression else "int32")
    splits = divided(inputs, targets[:, None] if regression else targets)
    if name == "digits":
        return {split: (rows / 16.0, labels) for split, (rows, labels) in splits.items()}
    return standardised(splits, targets=regression) if scaled else splits


@functools.cache
def friedman(scaled=True):
    """Friedman's first benchmark of regression (1991), 1,200 rows with noise.

    `10·sin(πx₁x₂) + 20(x₃ − ½)² + 10x₄ + 5x₅` plus noise of deviation 1; five more columns
    mean nothing.

    Args:
        scaled: Whether columns are standardised; else they have units from 1e-2 to 1e3.
    """
    generator = np.random.default_rng(0)
    x = generator.random((1200, 10))
    targets = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    targets += 10 * x[:, 3] + 5 * x[:, 4] + generator.normal(size=len(x))
    splits = standardised(
        divided(x.astype("float32"), targets.astype("float32")[:, None]), targets=True
    )
    if scaled:
        return splits
    units = np.logspace(-2, 3, 10, dtype="float32")
    return {split: (rows * units, targets) for split, (rows, targets) in splits.items()}


@functools.cache
def unicode_classes():
    """Bits of a code point → its class (letter, mark, number, …), from Python's own table."""
    kept = [c for c in range(65536) if unicodedata.category(chr(c))[0] in "LMNPSZ"]
    bits = (np.array(kept)[:, None] >> np.arange(16)) & 1
    labels = np.array(["LMNPSZ".index(unicodedata.category(chr(c))[0]) for c in kept], "int32")
    return divided((2.0 * bits - 1.0).astype("float32"), labels, max_rows=6144)


@functools.cache
def images(dataset, size, labels=None, rows=8192, flat=False, standard=True):
    """Images of a TFDS dataset at `size`² pixels.

    Args:
        dataset: "mnist", "fashion_mnist" or "cifar10".
        size: Height and width; each pixel the average over its area.
        labels: Classes to keep, renumbered; None: all.
        rows: Training images that are read.
        flat: Whether an image is one row of numbers.
        standard: Whether they have mean 0 and deviation 1 over all training images; else
            pixels go from 0 to 1.

    Raises:
        DataNotPreparedError: If the dataset is not in TFDS's directory.
    """
    found = {}
    for split, count in (("train", rows), ("test", 2 * HELD_OUT_ROWS)):
        pixels, classes = data.load(dataset, f"{split}[:{count}]")
        if labels is not None:
            kept = np.isin(classes, labels)
            pixels, classes = pixels[kept], np.searchsorted(labels, classes[kept])
        shrink = area_average(pixels.shape[1], size)
        small = np.einsum(
            "ij,njkc,lk->nilc", shrink, pixels.astype("float32"), shrink, optimize=True
        )
        found[split] = (np.ascontiguousarray(small), classes.astype("int32"))
    found["test"] = tuple(array[:HELD_OUT_ROWS] for array in found["test"])
    mean, deviation = 0.0, 255.0
    if standard:
        mean, deviation = found["train"][0].mean(), found["train"][0].std()
    shape = (-1,) if flat else found["train"][0].shape[1:]
    return {
        split: (((pixels - mean) / deviation).reshape(len(pixels), *shape), classes)
        for split, (pixels, classes) in found.items()
    }


def noisy(splits, share, classes):
    """A share of the training labels replaced by random ones; held-out labels are left."""
    rows, labels = splits["train"]
    generator = np.random.default_rng(1)
    replaced = generator.random(len(labels)) < share
    drawn = generator.integers(0, classes, len(labels), dtype=labels.dtype)
    return {**splits, "train": (rows, np.where(replaced, drawn, labels))}


def reconstruction(splits):
    """Inputs as their own targets."""
    return {split: (rows, rows) for split, (rows, _) in splits.items()}


def with_noise(splits, deviation=1.0):
    """Inputs under Gaussian noise, drawn once for each row → the inputs."""
    generator = np.random.default_rng(4)
    found = {}
    for split, (rows, _) in splits.items():
        noise = deviation * generator.standard_normal(rows.shape, dtype="float32")
        found[split] = (rows + noise, rows)
    return found


def digits_on_pictures(rows=8192):
    """Handwritten digits on photographs `[28, 28, 3]` → at each pixel, the digit + 1 or 0.

    A digit of MNIST in a colour drawn at random covers a part of a picture of CIFAR-10. Both
    come from their own splits.
    """
    pictures = images("cifar10", 32, rows=rows, standard=False)
    digits = images("mnist", 28, rows=rows, standard=False)
    generator = np.random.default_rng(9)
    found = {}
    for split, (behind, _) in pictures.items():
        ink, labels = digits[split]
        colour = generator.random((len(ink), 1, 1, 3), dtype="float32")
        mixed = behind[:, 2:30, 2:30] * (1 - ink) + colour * ink
        found[split] = (mixed, np.where(ink[..., 0] > 0.5, labels[:, None, None] + 1, 0))
    return {split: (rows, labels.astype("int32")) for split, (rows, labels) in found.items()}


def letters_after(text, length, rows=8192):
    """As `characters`, with codes that are the same for every text: ASCII's; 96: all others."""
    codes = [ord(c) - 32 if " " <= c <= "~" else 95 for c in text[: int(1.2 * rows * length)]]
    return windows(np.array(codes, "int32"), length, rows)


ASCII = 96


def entries(splits: dict[str, Any], rows: int) -> dict[str, Any]:
    """A matrix's entries as pairs (row, column) → number, a quarter of them held out.

    Args:
        splits: Dict with "train": `(matrix [n, columns], …)`.
        rows: Rows of the matrix that are kept.
    """
    matrix = splits["train"][0][:rows]
    matrix = (matrix - matrix.mean()) / matrix.std()
    pairs = np.stack(np.indices(matrix.shape), axis=-1).reshape(-1, 2).astype("int32")
    return divided(pairs, matrix.reshape(-1, 1).astype("float32"))


@functools.cache
def photograph():
    """Places of pixels → their colours, in a photograph that scikit-learn ships."""
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("china.jpg")[::8, ::8].astype("float32") / 127.5 - 1.0
    height, width = picture.shape[:2]
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (height, width)),
                                  indexing="ij"), axis=-1)  # fmt: skip
    return divided(places.reshape(-1, 2).astype("float32"), picture.reshape(-1, 3))


@functools.cache
def collocation(points=4096):
    """Random points (t, x) of [0, 1] × [−1, 1]; there are no targets."""
    drawn = np.random.default_rng(0).random((points, 2), dtype="float32")
    drawn = drawn * np.array([1, 2], "float32") - np.array([0, 1], "float32")
    return divided(drawn, np.zeros((points, 1), "float32"))


@functools.cache
def manual():
    """Text that comes with Python: its language reference, as `help()` shows it."""
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def characters(text, length, rows=8192):
    """Pieces of a text → the same a character later; the last tenth is held out.

    Characters beyond the 63 most frequent ones are one.
    """
    text = text[: int(1.2 * rows * length)]
    known = [c for c, _ in collections.Counter(text).most_common(63)]
    number = {c: i + 1 for i, c in enumerate(known)}
    return windows(np.array([number.get(c, 0) for c in text], "int32"), length, rows)


def windows(codes, length, rows):
    """Pieces of a sequence of numbers → the same one further; the last tenth is held out.

    Args:
        codes: `[n]` int32.
        length: Numbers in a piece.
        rows: Most pieces to train on.
    """
    edge = int(0.9 * len(codes))
    found = {}
    for split, piece in (("train", codes[:edge]), ("test", codes[edge:])):
        starts = np.arange(0, len(piece) - length - 1, length)
        order = np.random.default_rng(2).permutation(len(starts))
        starts = starts[order][: rows if split == "train" else HELD_OUT_ROWS]
        pieces = piece[starts[:, None] + np.arange(length + 1)]
        found[split] = (pieces[:, :-1], pieces[:, 1:])
    return found


CHARACTERS = 64


def next_words(text, context, words, rows=16384):
    """The words before → the next one; the last tenth of the text is held out.

    Words beyond the `words` − 1 most frequent ones are one.
    """
    tokens = text.lower().split()[: rows + rows // 4]
    known = [w for w, _ in collections.Counter(tokens).most_common(words - 1)]
    number = {w: i + 1 for i, w in enumerate(known)}
    codes = np.array([number.get(w, 0) for w in tokens], "int32")
    edge = int(0.9 * len(codes))
    found = {}
    for split, piece in (("train", codes[:edge]), ("test", codes[edge:])):
        starts = np.arange(len(piece) - context)
        if split == "test":
            starts = starts[:HELD_OUT_ROWS]
        windows = piece[starts[:, None] + np.arange(context + 1)]
        found[split] = (windows[:, :-1], windows[:, -1])
    return found
