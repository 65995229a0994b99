"""Learning rates of their own for some variables, by patterns of their paths."""

import re
import warnings

from l2l_tf.core.checks import check_number
from l2l_tf.optimizer.variables import path_of


def checked(multipliers):
    """A dict pattern → factor as it was given, or empty for None.

    Raises:
        ValueError: If it is no dict, a pattern is no regular expression, or a factor is no
            finite number ≥ 0.
    """
    if multipliers is None:
        return {}
    if not isinstance(multipliers, dict):
        raise ValueError(
            "`learning_rate_multipliers` is a dict of regular expressions and factors. "
            f"Received: learning_rate_multipliers={multipliers!r}"
        )
    for pattern, factor in multipliers.items():
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"`learning_rate_multipliers` has regular expressions as its keys ({error}). "
                f"Received: {pattern!r}"
            ) from error
        check_number(f"learning_rate_multipliers[{pattern!r}]", factor, min=0)
    return dict(multipliers)


def multiplier_of(multipliers, variable):
    """The factor of the first pattern that is found in a variable's path; 1 if none is.

    Args:
        multipliers: Dict pattern → factor.
        variable: Variable of Keras or TensorFlow.
    """
    path = path_of(variable)
    return next((f for pattern, f in multipliers.items() if re.search(pattern, path)), 1.0)


def warn_of_unused(multipliers, variables):
    """Warn of patterns that are found in no variable's path: a slip, or a layer that is frozen."""
    paths = [path_of(v) for v in variables]
    unused = [p for p in multipliers if not any(re.search(p, path) for path in paths)]
    if unused:
        warnings.warn(
            f"Patterns of `learning_rate_multipliers` that are found in no path: {unused}. "
            f"Received: variables {paths}",
            stacklevel=2,
        )
