"""What all pictures of an evaluation share: colours, and matplotlib where it is installed."""

# Learned optimizers: strong colours and thick lines; hand-crafted ones: lighter and dashed.
LEARNED = (
    "#D55E00", "#0050A0", "#8E24AA", "#1B7837", "#00838F", "#C2185B", "#6D4C41", "#9E9D24",
)  # fmt: skip
HAND_CRAFTED = (
    "#56B4E9", "#E6A700", "#999999", "#2CB59B", "#E377C2", "#8C6D31", "#444444", "#9ACD32",
)  # fmt: skip


def new_figure(width, height):
    """An empty figure of that size in inches, outside any graphical session.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib: pip install 'l2l-tf[plots]'. Received: no module matplotlib"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")
