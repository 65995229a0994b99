"""Files that are there whole or not at all."""

import json
import math
import os

import pytest

from l2l_tf.core import files
from l2l_tf.core.files import spelled, to_json, unspelled, whole_directory, write_csv, write_whole


def names(directory):
    return sorted(p.name for p in directory.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    for content, read in ((b"first", b"first"), ("zweite ∇", "zweite ∇".encode())):
        write_whole(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == read
    assert names(tmp_path) == ["file"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    write_whole(tmp_path / "file", b"first")

    def full(number):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first" and names(tmp_path) == ["file"]


def test_a_directory_takes_the_place_of_the_old_one_whole(tmp_path):
    target = tmp_path / "deep" / "target"
    for name in ("first", "second"):
        with whole_directory(target) as fresh:
            (fresh / name).write_text(name)
        assert names(target) == [name]
    assert names(target.parent) == ["target"]


def test_an_error_on_the_way_leaves_the_old_directory(tmp_path, monkeypatch):
    target = tmp_path / "target"
    with whole_directory(target) as fresh:
        (fresh / "first").write_text("")
    with pytest.raises(RuntimeError), whole_directory(target) as fresh:
        raise RuntimeError("on the way")
    rename = os.rename

    def taken(source, destination):
        if destination == target and source.name == "fresh":
            raise OSError("taken")
        rename(source, destination)

    monkeypatch.setattr(files.os, "rename", taken)
    with pytest.raises(OSError, match="taken"), whole_directory(target) as fresh:
        (fresh / "second").write_text("")
    assert names(target) == ["first"] and names(tmp_path) == ["target"]


def test_a_csv_has_the_columns_of_its_rows_or_those_that_are_named(tmp_path):
    write_csv(tmp_path / "a.csv", [{"x": 1, "y": "a,b"}, {"x": 2.5, "y": None}])
    assert (tmp_path / "a.csv").read_bytes() == b'x,y\r\n1,"a,b"\r\n2.5,\r\n'
    write_csv(tmp_path / "b.csv", [], ["x", "y"])
    assert (tmp_path / "b.csv").read_bytes() == b"x,y\r\n"


def test_numbers_that_json_lacks_are_null():
    text = to_json({"a": [math.inf, 1.0, (math.nan,)], "b": {"c": -math.inf}})
    assert json.loads(text) == {"a": [None, 1.0, [None]], "b": {"c": None}}


def test_numbers_that_json_lacks_are_spelled_and_come_back():
    value = {"a": [math.inf, 1.0, "text"], "b": {"c": -math.inf, "d": None}}
    text = json.dumps(spelled(value), allow_nan=False)
    assert unspelled(json.loads(text)) == value
    assert math.isnan(unspelled(spelled([math.nan]))[0])
