"""What optimizers paint along their runs: one picture each, and a slider over the steps."""

import math
from typing import Any

from l2l_tf.evaluation.page.interactive import graph_objects

NOTE = "The first seed's run of each optimizer; the slider goes through its recorded steps."
COLUMNS, SIDE = 5, 210


def figure(results: Any) -> Any:
    """The plotly figure of a `Results` with pictures: a panel for each task and optimizer."""
    go = graph_objects()
    from plotly.subplots import make_subplots

    panels = {}
    for picture in results.pictures:
        panels.setdefault((picture.task, picture.optimizer), {})[picture.step] = picture.source
    several = len({task for task, _ in panels}) > 1
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    steps = sorted({step for sources in panels.values() for step in sources})
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[f"{name}<br>{task}" if several else name for task, name in panels],
        horizontal_spacing=0.01,
        vertical_spacing=0.12 / rows,
    )
    for place, sources in enumerate(panels.values()):
        drawn.add_trace(
            go.Image(source=sources[max(sources)], hoverinfo="skip"),
            row=place // columns + 1,
            col=place % columns + 1,
        )
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
    drawn.update_annotations(font_size=12)
    drawn.update_layout(
        height=SIDE * rows + 150,
        margin=dict(l=10, r=10, t=50, b=80),
        sliders=[
            dict(
                active=len(steps) - 1,
                currentvalue=dict(prefix="steps: "),
                steps=[
                    dict(
                        label=f"{step}",
                        method="restyle",
                        args=[{"source": [s.get(step) for s in panels.values()]}],
                    )
                    for step in steps
                ],
            )
        ],
    )
    return drawn
