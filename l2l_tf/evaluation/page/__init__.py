"""An evaluation as one self-contained page for a browser."""

from l2l_tf.evaluation.page.document import NAME, write

__all__ = ["NAME", "write"]
