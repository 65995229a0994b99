"""Wording of what commands and reports print."""


def counted(number: int, noun: str) -> str:
    """A number of things: "1 seed", "2 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
