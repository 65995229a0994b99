"""Words of what commands print."""

import pytest

from l2l_tf.core.wording import counted


@pytest.mark.parametrize("number, text", [(0, "0 seeds"), (1, "1 seed"), (2, "2 seeds")])
def test_one_thing_is_no_plural(number, text):
    assert counted(number, "seed") == text
