"""Operations of a SavedModel replaced by calls of functions that compute the same."""

import pathlib

import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from l2l_tf.export.builtin_forms import FORMS, Node, NoFormError


def replace_operations(directory, forms=None):
    """Replace operations in a SavedModel's functions, in place.

    Args:
        directory: The SavedModel.
        forms: Dict name of an operation → function of a `Node`, which returns the function that
            stands in its place; None: `FORMS`.

    Returns:
        Dict name of an operation that was left as it is → the reason, with where it stands.
    """
    forms = FORMS if forms is None else forms
    path = pathlib.Path(directory) / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    added, left = [], {}
    library = model.meta_graphs[0].graph_def.library
    for function in library.function:
        _rewrite(function, forms, added, left)
    library.function.extend(added)
    path.write_bytes(model.SerializeToString())
    return left


def nodes_of(directory, operation):
    """Names of the nodes of an operation in a SavedModel's functions, sorted."""
    path = pathlib.Path(directory) / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    functions = model.meta_graphs[0].graph_def.library.function
    return sorted({n.name for f in functions for n in f.node_def if n.op == operation})


def _rewrite(function, forms, added, left):
    concerned = [node for node in function.node_def if node.op in forms]
    casts = [node for node in function.node_def if _changes_nothing(node)]
    if not concerned and not casts:
        return
    known, renamed = _tensors(function), {}
    for node in casts:
        _as_identity(node)
        renamed[f"{node.name}:y:0"] = f"{node.name}:output:0"
    for node in concerned:
        definition = op_def_registry.get(node.op)
        specs = [tf.TensorSpec(*known[name]) for name in node.input if not name.startswith("^")]
        outputs = [f"{node.name}:{argument.name}:0" for argument in definition.output_arg]
        shapes = [known[name][0] for name in outputs]
        try:
            about = Node(_attributes(node, definition), shapes, _constants(node, function))
            called = _traced(forms[node.op](about), specs)
        except (NoFormError, ValueError, TypeError) as error:
            left[node.op] = f"{error} ({node.name})"
            continue
        called.signature.name = f"builtin_form_{node.op}_{len(added)}_{function.signature.name}"
        added.append(called)
        _call(node, called, specs, [known[name][1] for name in outputs])
        for index, name in enumerate(outputs):
            renamed[name] = f"{node.name}:output:{index}"
    for node in function.node_def:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    for key, name in function.ret.items():
        function.ret[key] = renamed.get(name, name)


def _changes_nothing(node):
    return node.op == "Cast" and node.attr["SrcT"].type == node.attr["DstT"].type


def _as_identity(node):
    """Make an identity of such a cast; TensorFlow's own leaves an attribute that it complains of.

    Its shapes stay.
    """
    node.op = "Identity"
    node.attr["T"].type = node.attr["DstT"].type
    for name in ("SrcT", "DstT", "Truncate"):
        node.attr.pop(name, None)


def _traced(form, specs):
    """The `FunctionDef` of a form for inputs of these shapes."""
    traced = tf.function(form, autograph=False).get_concrete_function(*specs)
    definition = function_pb2.FunctionDef()
    definition.CopyFrom(traced.function_def)
    return definition


def _call(node, called, specs, dtypes):
    """Make of a node a call of a function."""
    node.op = "PartitionedCall"
    node.attr.clear()
    node.attr["f"].func.name = called.signature.name
    node.attr["Tin"].list.type.extend(s.dtype.as_datatype_enum for s in specs)
    node.attr["Tout"].list.type.extend(d.as_datatype_enum for d in dtypes)


def _attributes(node, definition):
    """Function name → value of an attribute; a SavedModel leaves out those that are the default."""
    defaults = {attribute.name: attribute.default_value for attribute in definition.attr}
    return lambda name: node.attr[name] if name in node.attr else defaults[name]


def _constants(node, function):
    """Dict index of an input of a node → array, of those that are constants."""
    values = {n.name: n.attr["value"].tensor for n in function.node_def if n.op == "Const"}
    named = [name.partition(":")[0] for name in node.input]
    return {i: tf.make_ndarray(values[n]) for i, n in enumerate(named) if n in values}


def _tensors(function):
    """Dict name of a tensor in a function → `(shape, dtype)`."""
    known = {}
    for index, argument in enumerate(function.signature.input_arg):
        shapes = function.arg_attr[index].attr["_output_shapes"].list.shape
        known[argument.name] = _tensor(shapes, 0, argument.type)
    for node in function.node_def:
        definition = op_def_registry.get(node.op)
        attributes, shapes = _attributes(node, definition), node.attr["_output_shapes"].list.shape
        place = 0
        for argument in definition.output_arg:
            for index, dtype in enumerate(_dtypes(argument, attributes)):
                known[f"{node.name}:{argument.name}:{index}"] = _tensor(shapes, place, dtype)
                place += 1
    return known


def _dtypes(argument, attributes):
    """Dtypes of one output, which may be a list of tensors."""
    if argument.type_list_attr:
        return attributes(argument.type_list_attr).list.type
    count = attributes(argument.number_attr).i if argument.number_attr else 1
    return [attributes(argument.type_attr).type if argument.type_attr else argument.type] * count


def _tensor(shapes, index, dtype):
    shape = tf.TensorShape(shapes[index] if len(shapes) > index else None)
    return shape, tf.dtypes.as_dtype(dtype)
