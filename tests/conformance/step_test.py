"""One step, three places: unrolled, under `apply`, and in a reloaded SavedModel."""

import pytest

from l2l_tf import rules
from l2l_tf.testing.one_step import unrolled_applied_and_exported_steps_are_one


@pytest.mark.parametrize("name", rules.names())
@pytest.mark.quick("mixture")
def test_unrolled_applied_and_exported_steps_are_one(name):
    unrolled_applied_and_exported_steps_are_one(rules.get(name))
