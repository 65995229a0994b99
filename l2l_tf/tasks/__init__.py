"""Tasks: the optimizees that rules are meta-trained and judged on."""

from l2l_tf.tasks.augmentation import RandomScaling
from l2l_tf.tasks.base import SPLITS, Task, as_seed, fold_in
from l2l_tf.tasks.cart_pole import CartPole
from l2l_tf.tasks.classification import InMemoryClassification
from l2l_tf.tasks.conditioned import ConditionedQuadratic, LogisticRegression
from l2l_tf.tasks.digits import DigitsMLP, digits
from l2l_tf.tasks.image_conv import Cifar10Conv, ImageConv
from l2l_tf.tasks.image_mlp import FashionMLP, ImageMLP, MnistMLP
from l2l_tf.tasks.image_small import ImageAttention, ImagePatches
from l2l_tf.tasks.keras_model import KerasModel
from l2l_tf.tasks.neural_art import NeuralArt
from l2l_tf.tasks.perceptron import ACTIVATIONS, InMemoryMLP
from l2l_tf.tasks.quadratic import Quadratic, QuadraticUniform
from l2l_tf.tasks.recurrent import RowRNN
from l2l_tf.tasks.registry import get, names, register_task
from l2l_tf.tasks.regression import DiabetesMLP
from l2l_tf.tasks.skip_nets import HighwayNet, ResidualNet

__all__ = [
    "ACTIVATIONS",
    "SPLITS",
    "CartPole",
    "Cifar10Conv",
    "ConditionedQuadratic",
    "DiabetesMLP",
    "DigitsMLP",
    "FashionMLP",
    "HighwayNet",
    "ImageAttention",
    "ImageConv",
    "ImageMLP",
    "ImagePatches",
    "InMemoryClassification",
    "InMemoryMLP",
    "KerasModel",
    "MnistMLP",
    "LogisticRegression",
    "NeuralArt",
    "Quadratic",
    "QuadraticUniform",
    "RandomScaling",
    "ResidualNet",
    "RowRNN",
    "Task",
    "as_seed",
    "digits",
    "fold_in",
    "get",
    "names",
    "register_task",
]
