"""`CostReport`: what a train step costs with an optimizer, beside Adam's."""

import dataclasses
import math

from l2l_tf.evaluation import tables


@dataclasses.dataclass(frozen=True)
class CostReport:
    """What an optimizer costs on a model; `print` shows it as a Markdown table.

    Times are of whole steps: forward, backward and the optimizer. Operations and bytes of state
    are the optimizer's own.

    Attributes:
        optimizer: What it is called.
        weights: Number of weights that are trained.
        variables: Number of variables that they are in.
        batch_size: Rows of a batch.
        jit_compile: Whether the whole step was compiled by XLA.
        forward_backward_flops: Operations of the loss and its gradients; see `cost.flops`.
        adam_flops: Operations of Adam's step.
        optimizer_flops: Operations of the optimizer's step.
        adam_state_bytes: Bytes that Adam keeps.
        optimizer_state_bytes: Bytes that the optimizer keeps.
        forward_backward_milliseconds: Time of the loss and its gradients alone.
        adam_milliseconds: Time of a step with Adam.
        optimizer_milliseconds: Time of a step with the optimizer.
        forward_backward_first_seconds: Tracing, compiling and taking a first step without one.
        adam_first_seconds: Building, tracing, compiling and taking the first step with Adam.
        optimizer_first_seconds: The same with the optimizer.
    """

    optimizer: str
    weights: int
    variables: int
    batch_size: int
    jit_compile: bool
    forward_backward_flops: int
    adam_flops: int
    optimizer_flops: int
    adam_state_bytes: int
    optimizer_state_bytes: int
    forward_backward_milliseconds: float
    adam_milliseconds: float
    optimizer_milliseconds: float
    forward_backward_first_seconds: float
    adam_first_seconds: float
    optimizer_first_seconds: float

    @property
    def flops_per_weight(self) -> float:
        """Operations of the optimizer's step for each weight."""
        return self.optimizer_flops / self.weights

    @property
    def state_bytes_per_weight(self) -> float:
        """Bytes that the optimizer keeps for each weight."""
        return self.optimizer_state_bytes / self.weights

    @property
    def break_even(self) -> float:
        """Speed-up in steps over Adam from which on the optimizer is quicker in seconds.

        Time of a step / time of a step with Adam; first steps, which count once, are left out.
        """
        return self.optimizer_milliseconds / self.adam_milliseconds

    def break_even_seconds(self, speed_up: float) -> float:
        """From how long a run of Adam on the optimizer is quicker, first steps counted.

        Where Adam takes `F + N·t` seconds for N steps after its first, the optimizer takes
        `F′ + N·t′ / speed_up` to the same loss.

        Args:
            speed_up: Adam's steps / the optimizer's steps to the same loss, above 0.

        Returns:
            Seconds of Adam's run, its first step among them; infinite if never.

        Raises:
            ValueError: If it is not above 0.
        """
        if not speed_up > 0:
            raise ValueError(f"`speed_up` is above 0. Received: speed_up={speed_up!r}")
        gained = (self.adam_milliseconds - self.optimizer_milliseconds / speed_up) / 1e3
        behind = self.optimizer_first_seconds - self.adam_first_seconds
        if behind <= 0 and gained >= 0:
            return self.adam_first_seconds
        if gained <= 0:
            return math.inf
        return self.adam_first_seconds + behind / gained * self.adam_milliseconds / 1e3

    def table(self) -> str:
        """The figures as a Markdown table that keeps within 100 columns as text."""
        head = [
            "step", "ms", "× Adam's", "first, s", "FLOP", "/ weight", "state, B", "/ weight"
        ]  # fmt: skip
        rows = [
            self._row("forward + backward", "forward_backward"),
            self._row("+ Adam", "adam"),
            self._row(f"+ {self.optimizer}", "optimizer"),
        ]
        return tables.markdown(head, rows)

    def _row(self, label, name):
        milliseconds = getattr(self, f"{name}_milliseconds")
        cells = [label, _plain(milliseconds), _plain(milliseconds / self.adam_milliseconds)]
        cells.append(f"{getattr(self, f'{name}_first_seconds'):.2f}")
        for kind in ("flops", "state_bytes"):
            count = getattr(self, f"{name}_{kind}", None)
            cells.append("–" if count is None else _with_prefix(count))
            cells.append("–" if count is None else _plain(count / self.weights))
        return cells

    def __str__(self):
        lines = [
            f"{self.weights:,} weights in {self.variables} variables, batches of "
            f"{self.batch_size:,}, {'' if self.jit_compile else 'not '}compiled by XLA as a whole",
            "",
            self.table(),
            "",
            f"Break-even: quicker than Adam in seconds from a speed-up of {self.break_even:.2f} "
            "in steps on.",
        ]
        return "\n".join(lines)


def _plain(value):
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def _with_prefix(value):
    """Three digits and k, M, G or T."""
    prefixes = ["", " k", " M", " G", " T"]
    while value >= 999.5 and len(prefixes) > 1:
        value, prefixes = value / 1000, prefixes[1:]
    return f"{value:.3g}{prefixes[0]}"
