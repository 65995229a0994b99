"""At which unrolls of a run the meta-parameters are refreshed."""

SCHEDULES = ("always", "growing", "plateau")
# An unroll along which the loss falls by less than this part of it is a plateau.
FALL = 0.05


def due(settings, unroll, run):
    """Whether an unroll has a meta-gradient.

    Args:
        settings: `Settings`.
        unroll: Number of the unroll along its trajectory, from 0.
        run: What `noted` gave after the unroll before: `waited` and `stuck`.
    """
    if settings.refresh == "always" or run["waited"] + 1 >= settings.refresh_gap:
        return True
    if settings.refresh == "growing":
        number = unroll + 1  # 1, 2, 4, 8, …
        return number & (number - 1) == 0
    return run["stuck"]


def noted(summaries, run, learned):
    """What the next decision depends on.

    Args:
        summaries: The unroll's, dict of floats.
        run: What was noted after the unroll before.
        learned: Whether the unroll had a meta-gradient.

    Returns:
        Dict: `waited`, unrolls since the last meta-gradient, and `stuck`, whether the loss sat on
        a plateau.
    """
    stuck = summaries["last_loss"] > (1 - FALL) * summaries["first_loss"]
    return {"waited": 0 if learned else run["waited"] + 1, "stuck": bool(stuck)}
