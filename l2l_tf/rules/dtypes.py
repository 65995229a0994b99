"""Dtypes that a rule keeps its state in and computes in."""


def state_dtype_for(variable, state_dtype=None):
    """Dtype of a variable's slots: float64 for float64, else at least float32.

    Args:
        variable: Anything with a `dtype`.
        state_dtype: Explicit choice that overrides the default, or None.
    """
    if state_dtype is not None:
        return state_dtype
    dtype = variable.dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", str(dtype))
    return "float64" if name == "float64" else "float32"


def compute_dtype_for(variable):
    """Dtype in which a rule computes for a variable: float64 for float64, else float32."""
    return state_dtype_for(variable)


def widest_dtype(variables):
    """Dtype of what variables share: float64 if any of them is, else float32."""
    return "float64" if any(compute_dtype_for(v) == "float64" for v in variables) else "float32"
