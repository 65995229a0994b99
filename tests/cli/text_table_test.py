"""Tables of plain text."""

from l2l_tf.cli.text_table import text_table


def test_the_wrapped_column_takes_what_room_there_is():
    table = text_table(["a", "words", "n"], [["first", "one two three", "1"]], 1, width=20)
    assert table.splitlines() == [
        "a      words       n",
        "─────  ──────────  ─",
        "first  one two     1",
        "       three",
    ]


def test_a_table_is_no_wider_than_it_needs_to_be():
    table = text_table(["a", "b"], [["1", "two words"]], 1, width=100)
    assert table.splitlines() == ["a  b", "─  ─────────", "1  two words"]


def test_a_cell_without_words_is_empty():
    assert text_table(["a", "b"], [["1", ""]], 1).splitlines()[-1] == "1"
