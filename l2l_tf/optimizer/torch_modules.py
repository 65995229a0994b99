"""Parameters of a plain `torch.nn.Module` as variables of Keras."""

import keras
import torch

_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
_TABLES = (torch.nn.Embedding, torch.nn.EmbeddingBag)


def variables_of(module: torch.nn.Module) -> list[keras.Variable]:
    """Keras variables that hold the parameters of a module themselves, no copies.

    Their paths tell rules what axes are: PyTorch puts the outputs of a kernel first, Keras last.

    Args:
        module: A module whose parameters are trained, in the order of `module.parameters()`.
    """
    found = {}
    for place, layer in module.named_modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if id(parameter) not in found:  # One that is shared stands where it comes first.
                with keras.name_scope(place.replace(".", "_") or type(module).__name__):
                    variable = keras.Variable(parameter, name=_named(layer, name, parameter))
                found[id(parameter)] = variable
    return [found[id(parameter)] for parameter in module.parameters()]


def _named(layer, name, parameter):
    if parameter.ndim < 2:
        return name
    if isinstance(layer, _TABLES):
        return "embeddings"
    if isinstance(layer, _TRANSPOSED):
        return f"{name}_outputs_second"
    depthwise = getattr(layer, "groups", 1) > 1 and parameter.shape[1] == 1
    return f"{name}_{'filters' if depthwise else 'outputs'}_first"
