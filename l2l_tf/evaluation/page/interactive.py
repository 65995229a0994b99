"""plotly, where it is installed."""

import math
from typing import Any


def graph_objects() -> Any:
    """`plotly.graph_objects`.

    Raises:
        ImportError: If plotly is not installed.
    """
    try:
        from plotly import graph_objects as made
    except ImportError as error:
        raise ImportError(
            "Pages need plotly: pip install 'l2l-tf[plots]'. Received: no module plotly"
        ) from error
    return made


def shortened(values: Any) -> list[float | None]:
    """Numbers of five digits; None for what is not finite, where a line has a gap."""
    return [float(f"{v:.5g}") if math.isfinite(v) else None for v in map(float, values)]


def buttons(position: float, height: float, choices: dict[str, tuple], method: str) -> dict:
    """A row of buttons above the plots, of which the first is pressed.

    Args:
        position: From 0, left, to 1.
        height: Height of the plots in pixels.
        choices: Dict label → arguments of plotly's `method`.
        method: "restyle" or "relayout".
    """
    return dict(
        type="buttons",
        direction="right",
        x=position,
        xanchor="left",
        y=1 + 62 / height,
        yanchor="middle",
        pad=dict(t=0, b=0),
        font=dict(size=11),
        buttons=[dict(label=k, method=method, args=list(v)) for k, v in choices.items()],
    )
