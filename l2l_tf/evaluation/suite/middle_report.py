"""The middle suite's report half: for the figures that are published, never for choices."""

ENTRIES = ()
