"""Photographs, paintings and weights, out of small stand-ins for their packages."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from helpers import small_packages

from l2l_tf import data
from tools.offline_data import pictures, qt_resources


def test_files_come_out_of_a_resource_collection_plain_or_compressed(tmp_path):
    files = {"a/b/long.txt": b"x" * 500, "a/b/short": b"", "a/\u00e9.bin": bytes(range(256))}
    path = tmp_path / "files.rcc"
    path.write_bytes(small_packages.rcc(files, compressed=["a/b/long.txt"]))
    assert qt_resources.read(path) == files


def test_what_is_no_collection_that_can_be_read_is_refused(tmp_path):
    path = tmp_path / "files.rcc"
    path.write_bytes(b"zip!" + bytes(40))
    with pytest.raises(ValueError, match="starts with 'qres'. Received: b'zip!'"):
        qt_resources.read(path)
    content = bytearray(small_packages.rcc({"a": b"text"}))
    path.write_bytes(content[:4] + b"\0\0\0\x09" + content[8:])
    with pytest.raises(ValueError, match="Received: version 9"):
        qt_resources.read(path)
    content[24 + 22 + 5] |= 4  # The flags of the first file.
    path.write_bytes(content)
    with pytest.raises(ValueError, match="Zstandard.*Received:"):
        qt_resources.read(path)


def test_tfds_reads_paintings_whose_pieces_lie_where_their_boards_say(tmp_path):
    originals = {
        "sea": small_packages.smooth_picture(1, 96, 128),
        "two_hills": small_packages.smooth_picture(2, 100, 90),
    }
    small_packages.prepare_files("paintings", small_packages.painting_files(originals), tmp_path)
    loaded = tfds.as_numpy(tfds.load("paintings", split="train", data_dir=tmp_path))
    found = {e["name"].decode(): (e["title"].decode(), e["image"]) for e in loaded}
    assert {name: title for name, (title, _) in found.items()} == {
        "sea": "Painter, sea",
        "two_hills": "Painter, two_hills",
    }
    for name, original in originals.items():
        np.testing.assert_array_equal(found[name][1], original)
        np.testing.assert_array_equal(
            data.load_pictures("paintings", "train", tmp_path)[name], original
        )


def test_a_board_without_pieces_is_refused(tmp_path):
    (tmp_path / "paintings.rcc").write_bytes(
        small_packages.rcc({"a/board/board1_0.qml": b'instruction: qsTr("T")'})
    )
    with pytest.raises(ValueError, match="a title, an extent and pieces. Received: 'instruction"):
        pictures.paintings(tmp_path)


def test_photographs_are_reduced_and_their_splits_are_disjoint_and_complete(tmp_path):
    files, images = small_packages.photograph_files(height=512, width=600)
    small_packages.prepare_files("photographs", files, tmp_path)
    splits = {
        split: data.load_pictures("photographs", split, tmp_path)
        for split in ("train", "validation", "test")
    }
    names = [name for split in splits.values() for name in split]
    assert sorted(names) == sorted(images)
    assert min(len(split) for split in splits.values()) > 0
    for split in splits.values():
        for name, image in split.items():
            assert image.shape == (256, 300, 3)
            blocks = images[name].reshape(256, 2, 300, 2, 3).mean(axis=(1, 3))
            assert np.abs(image - blocks).max() <= 1  # Averages of 2×2 pixels, rounded.


def test_an_interrupted_run_leaves_no_pictures_and_the_next_one_goes_on(tmp_path, monkeypatch):
    files, images = small_packages.photograph_files()

    def die(content):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "_decoded", die)
        with pytest.raises(KeyboardInterrupt):
            small_packages.prepare_files("photographs", files, tmp_path)
    with pytest.raises(data.DataNotPreparedError, match="tools.offline_data photographs"):
        data.load_pictures("photographs", "train", tmp_path)
    small_packages.prepare_files("photographs", files, tmp_path)
    assert "is there already" in small_packages.prepare_files("photographs", files, tmp_path)[0]
    assert len(data.load_pictures("photographs", "all", tmp_path)) == len(images)


def test_weights_of_a_model_stay_the_file_that_they_are(tmp_path):
    with pytest.raises(data.DataNotPreparedError, match="tools.offline_data vgg16"):
        data.model_file("vgg16", tmp_path)
    files = small_packages.vgg16_files()
    small_packages.prepare_files("vgg16", files, tmp_path)
    path = data.model_file("vgg16", tmp_path)
    assert path.read_bytes() == files[path.name]
    with pytest.raises(ValueError, match=r"one of \['vgg16'\].* Received: name='vgg19'"):
        data.model_file("vgg19", tmp_path)
