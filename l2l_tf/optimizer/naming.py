"""How a variable is called: its path, Keras's or TensorFlow's."""


def path_of(variable):
    """The path of a Keras variable, such as "dense/kernel", or the name of TensorFlow's."""
    return str(getattr(variable, "path", None) or variable.name)
