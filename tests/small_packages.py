"""Packages made in a test: real formats, few images."""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

import numpy as np
import tensorflow as tf

from l2l_tf import data


def idx_files(train, test, seed=0):
    """Dict name → bytes of the four IDX files of an MNIST-like set; labels 0 … 9 in turn."""
    random = np.random.default_rng(seed)
    files = {}
    for name, count in (("train", train), ("t10k", test)):
        images = random.integers(0, 256, [count, 28, 28], np.uint8)
        header = np.array([2051, count, 28, 28], ">i4").tobytes()
        files[f"{name}-images-idx3-ubyte"] = header + images.tobytes()
        labels = (np.arange(count) % 10).astype(np.uint8)
        files[f"{name}-labels-idx1-ubyte"] = (
            np.array([2049, count], ">i4").tobytes() + labels.tobytes()
        )
    return files


def cifar10_files(per_batch, seed=0):
    """Dict name → bytes of the strips and labels; and the images in order."""
    random = np.random.default_rng(seed)
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    images = random.integers(0, 256, [6, per_batch, 32, 32, 3], np.uint8)
    files = {
        f"{name}.png": tf.io.encode_png(strip.reshape(per_batch, 1024, 3)).numpy()
        for name, strip in zip(names, images, strict=True)
    }
    labels = [i % 10 for i in range(5 * per_batch)]
    files["train_lables.json"] = json.dumps(labels).encode()
    files["test_lables.json"] = json.dumps([i % 10 for i in range(per_batch)]).encode()
    return files, images


def source_of(name, files):
    """The `Source` of a dataset with the checksums of these files."""
    checksums = {}
    for member in data.SOURCES[name].checksums:
        content = files[pathlib.PurePosixPath(member).name]
        checksums[member] = hashlib.sha256(content).hexdigest()
    return dataclasses.replace(data.SOURCES[name], checksums=checksums)


def tarball(source, files, path):
    """Write the `.tgz` of a package."""
    with tarfile.open(path, "w:gz") as archive:
        for member in source.checksums:
            content = files[pathlib.PurePosixPath(member).name]
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def zipped(files):
    """The same files as `.gz`."""
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()}


def prepare_mnist(directory, patch, train=40, test=20):
    """Prepare a small MNIST in `directory` by the real path; returns the files.

    `patch` is pytest's monkeypatch: TFDS's builder has the real counts built in.
    """
    from tensorflow_datasets.image_classification import mnist

    patch.setattr(mnist, "_TRAIN_EXAMPLES", train)
    patch.setattr(mnist, "_TEST_EXAMPLES", test)
    files = idx_files(train, test)
    source = source_of("mnist", files)

    def fetch(client, package, into):
        del client, package
        return tarball(source, files, into / "mnist.tgz")

    data.prepare(source, directory, report=lambda line: None, fetch=fetch)
    return files
