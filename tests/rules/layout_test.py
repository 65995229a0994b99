"""What a variable maps, told by its shape and its path."""

import keras
import pytest

from l2l_tf.rules import layout_of
from l2l_tf.rules.layout import EMBEDDING, FILTERS, KERNEL, VECTOR

layers = keras.layers


def layouts_of(layer, *shapes):
    inputs = [keras.Input(shape[1:], shape[0]) for shape in shapes]
    model = keras.Model(inputs, layer(*inputs))
    return {v.path.split("/", 1)[1]: layout_of(v.shape, v.path) for v in model.trainable_variables}


@pytest.mark.parametrize(
    "shape, expected",
    [
        ((), (VECTOR, 1, 1)),
        ((7,), (VECTOR, 1, 7)),
        ((6, 4), (KERNEL, 6, 4)),
        ((3, 3, 8, 16), (KERNEL, 72, 16)),
        ((0, 4), (VECTOR, 1, 0)),
    ],
)
def test_a_shape_alone_maps_from_all_axes_but_the_last(shape, expected):
    assert layout_of(shape)[:3] == expected


def test_attention_maps_the_width_to_all_heads_and_back():
    found = layouts_of(layers.MultiHeadAttention(3, 5), (2, 7, 8), (2, 7, 8))
    for name in ("query", "key", "value"):
        assert found[f"{name}/kernel"][:3] == (KERNEL, 8, 15)
        assert found[f"{name}/bias"].kind == VECTOR
    assert found["attention_output/kernel"][:3] == (KERNEL, 15, 8)
    found = layouts_of(layers.GroupQueryAttention(5, 4, 2), (2, 7, 8), (2, 7, 8))
    assert found["query/kernel"][:3] == (KERNEL, 8, 20)
    assert found["key/kernel"][:3] == (KERNEL, 8, 10)
    assert found["attention_output/kernel"][:3] == (KERNEL, 20, 8)


def test_convolutions_map_patches_to_channels():
    image = (2, 8, 8, 4)
    assert layouts_of(layers.Conv2D(6, 3), image)["kernel"][:3] == (KERNEL, 36, 6)
    transposed = layouts_of(layers.Conv2DTranspose(6, 3), image)["kernel"]
    assert transposed[:4] == (KERNEL, 36, 6, (0, 1, 3, 2))
    depthwise = layouts_of(layers.DepthwiseConv2D(3, depth_multiplier=2), image)["kernel"]
    assert depthwise[:3] == (FILTERS, 9, 8) and depthwise.fan_in == 9
    separable = layouts_of(layers.SeparableConv2D(6, 3), image)
    assert separable["depthwise_kernel"][:3] == (FILTERS, 9, 4)
    assert separable["pointwise_kernel"][:3] == (KERNEL, 4, 6)


def test_tables_are_one_row_for_each_input():
    inputs = keras.Input((3,), dtype="int32")
    (variable,) = keras.Model(inputs, layers.Embedding(10, 4)(inputs)).trainable_variables
    layout = layout_of(variable.shape, variable.path)
    assert layout[:3] == (EMBEDDING, 10, 4) and layout.fan_in == 1


def test_recurrent_kernels_and_normalisations():
    found = layouts_of(layers.LSTM(5), (2, 3, 4))
    assert found["lstm_cell/kernel"][:3] == (KERNEL, 4, 20)
    assert found["lstm_cell/recurrent_kernel"][:3] == (KERNEL, 5, 20)
    assert found["lstm_cell/bias"].kind == VECTOR
    found = layouts_of(layers.GRU(5), (2, 3, 4))
    assert found["gru_cell/bias"].kind == VECTOR  # [2, 15]: two offsets, no kernel.


@pytest.mark.parametrize(
    "shape, name, expected",
    [
        ((6, 8), "weight_outputs_first", ("kernel", 8, 6, (1, 0))),
        ((6, 4, 3, 3), "weight_outputs_first", ("kernel", 36, 6, (1, 2, 3, 0))),
        ((4, 6, 3, 3), "weight_outputs_second", ("kernel", 36, 6, (0, 2, 3, 1))),
        ((8, 1, 3, 3), "weight_filters_first", ("filters", 9, 8, None)),
    ],
)
def test_pytorch_puts_outputs_first(shape, name, expected):
    assert layout_of(shape, f"net/{name}")[:4] == expected
