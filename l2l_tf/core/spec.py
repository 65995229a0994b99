"""Names with arguments as text, for flags: `name(argument=value,…)`."""

import ast
import re


def parse_spec(text: str, kind: str) -> tuple[str, dict]:
    """Name and arguments of a text such as `digits_mlp(hidden=20,activation=relu)`.

    Args:
        text: `name` or `name(argument=value,…)`; a value is a Python literal, a bare word, such a
            text again, which stays one, or a list of these.
        kind: What the text names, for errors: "task" or "rule".

    Returns:
        `(name, arguments)`: a string and a dict.

    Raises:
        ValueError: If the text cannot be read.
    """
    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not match:
        raise ValueError(
            f"A {kind} is written 'name' or 'name(argument=value,…)'. Received: {kind}={text!r}"
        )
    try:
        call = ast.parse(f"f({match.group(2) or ''})", mode="eval").body
        if call.args or any(k.arg is None for k in call.keywords):
            raise ValueError("every argument needs its name")
        return match.group(1), {k.arg: _value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ValueError(
            f"The arguments cannot be read ({reason}). Received: {kind}={text!r}"
        ) from error


def _value(node):
    if isinstance(node, ast.List):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Name | ast.Call):
        return ast.unparse(node)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{ast.unparse(node)} is no value") from None
