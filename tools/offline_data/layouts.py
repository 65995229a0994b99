"""Files of packages, laid out as the TFDS builders expect their downloads."""

import gzip
import json
import pathlib
import shutil

import numpy as np

CIFAR10_LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# In the order of the text that TFDS downloads.
PLAYS = (
    "coriolanus",
    "richard_iii",
    "richard_ii",
    "romeo_and_juliet",
    "henry_vi_part_3",
    "winters_tale",
    "measure_for_measure",
    "taming_of_the_shrew",
    "tempest",
)


def idx(files, work):
    """IDX files, unzipped where they are not.

    Args:
        files: Directory with the four files of an MNIST-like dataset, plain or `.gz`.
        work: Directory to write to.

    Returns:
        Dict: base name of the download → path.
    """
    stand_ins = {}
    for path in sorted(pathlib.Path(files).iterdir()):
        plain = path
        if path.suffix == ".gz":
            plain = pathlib.Path(work) / path.stem
            with gzip.open(path) as zipped, open(plain, "wb") as to:
                shutil.copyfileobj(zipped, to)
        stand_ins[f"{plain.name}.gz"] = plain
    return stand_ins


def cifar10(files, work):
    """CIFAR-10 in its authors' binary format, from strips of one image a row.

    Args:
        files: Directory of `data_batch_1.png` … `data_batch_5.png` and `test_batch.png`, each
            [images, 1024 = 32·32] pixels of RGB, with labels in `train_lables.json` and
            `test_lables.json` (so spelt).
        work: Directory to write to.

    Returns:
        Dict: base name of the download → path.

    Raises:
        ValueError: If images and labels do not match.
    """
    files, work = pathlib.Path(files), pathlib.Path(work)
    folder = work / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10_LABELS) + "\n")
    batches = {
        "train_lables.json": [f"data_batch_{i}" for i in range(1, 6)],
        "test_lables.json": ["test_batch"],
    }
    for label_file, names in batches.items():
        labels = np.array(json.loads((files / label_file).read_text()), np.uint8)
        for name in names:
            images = _strip(files / f"{name}.png")
            if len(images) > len(labels):
                raise ValueError(
                    f"{label_file} has too few labels for {name}.png. Received: "
                    f"{len(labels)} labels for {len(images)} images"
                )
            # A record: the label, then the red, green and blue plane.
            planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
            records = np.concatenate([labels[: len(images), None], planes], axis=1)
            (folder / f"{name}.bin").write_bytes(records.tobytes())
            labels = labels[len(images) :]
        if len(labels):
            raise ValueError(f"Labels without an image. Received: {len(labels)} in {label_file}")
    return {"cifar-10-binary.tar.gz": work}


def tiny_shakespeare(files, work):
    """One text of nine plays, with plain line ends and no spaces before them.

    Args:
        files: Directory of `{play}_gut.txt` for each of `PLAYS`, in UTF-8.
        work: Directory to write to.

    Returns:
        Dict: base name of the download → path.
    """
    texts = [
        (pathlib.Path(files) / f"{play}_gut.txt").read_text("utf-8-sig").strip() for play in PLAYS
    ]
    lines = [line.rstrip() for line in "\n\n\n".join(texts).splitlines()]
    path = pathlib.Path(work) / "input.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return {path.name: path}


def _strip(path):
    # TensorFlow's decoder: Pillow takes a strip of 10,000 rows for an attack.
    import tensorflow as tf

    pixels = tf.io.decode_png(path.read_bytes(), channels=3).numpy()
    return pixels.reshape(-1, 32, 32, 3)
