"""Losses along runs, as a picture."""

import gc
import textwrap

import numpy as np


def curve_image(lines: dict, title: str) -> np.ndarray:
    """Curves over steps as an image `[height, width, 3]` uint8; needs matplotlib.

    The axis of losses is logarithmic where all of them are positive.

    Args:
        lines: Dict label → losses `[steps]`; what is not finite leaves a gap.
        title: Text above.
    """
    # A figure is thousands of objects in circles, megabytes, which garbage collection comes to only
    # after hundreds of them where TensorFlow's own objects are there: it goes at once instead.
    collecting = gc.isenabled()
    gc.collect(1)
    gc.disable()
    try:
        return _drawn(lines, title)
    finally:
        gc.collect(0)
        if collecting:
            gc.enable()


def _drawn(lines, title):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.5), dpi=100, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    for label, losses in lines.items():
        axes.plot(np.where(np.isfinite(losses), losses, np.nan), label=label)
    if all(np.all(losses > 0) for losses in lines.values()):
        axes.set_yscale("log")
    axes.set(xlabel="steps", ylabel="loss (mean over optimizees)")
    axes.set_title("\n".join(textwrap.wrap(title, 60)), fontsize=9)
    axes.legend(fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
