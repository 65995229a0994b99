"""Files that are there whole or not at all."""

import json
import math

from l2l_tf.core.files import to_json, write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    for content in (b"first", b"second"):
        write_whole(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_numbers_that_json_lacks_are_null():
    text = to_json({"a": [math.inf, 1.0, (math.nan,)], "b": {"c": -math.inf}})
    assert json.loads(text) == {"a": [None, 1.0, [None]], "b": {"c": None}}
