"""A loss-guarded fallback: what it costs where it is not needed, what it saves elsewhere."""
