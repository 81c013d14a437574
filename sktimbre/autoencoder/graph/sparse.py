"""Store constants that are mostly zeros as their other values, so that exported files are small."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["make_sparse"]

# Constants of at least so many values, of which at most this share is not zero.
LEAST_SIZE, MOST_FILLED = 10_000, 0.25


def make_sparse(model: onnx.ModelProto) -> None:
    """Replace constants that are mostly zeros by nodes that write their other values into zeros, in place.

    ONNX has sparse constants, too, but runtimes built without them cannot read such a file.

    Parameters
    ----------
    model : onnx.ModelProto
        A model with its weights.
    """
    graph, nodes, kept = model.graph, [], []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        filled = np.flatnonzero(array)
        if array.size < LEAST_SIZE or array.dtype != np.float32 or len(filled) > MOST_FILLED * array.size:
            kept.append(tensor)
            continue
        name = tensor.name
        for part, value in (
            ("size", np.array([array.size], np.int64)),
            ("shape", np.array(array.shape, np.int64)),
            ("places", filled.astype(np.int32)),
            ("values", array.ravel()[filled]),
        ):
            kept.append(numpy_helper.from_array(value, f"{name}_{part}"))
        zero = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0])
        nodes += [
            helper.make_node("ConstantOfShape", [f"{name}_size"], [f"{name}_zeros"], value=zero),
            helper.make_node(
                "ScatterElements", [f"{name}_zeros", f"{name}_places", f"{name}_values"], [f"{name}_flat"], axis=0
            ),
            helper.make_node("Reshape", [f"{name}_flat", f"{name}_shape"], [name]),
        ]
    old = [*graph.node]
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*nodes, *old])
    graph.initializer.extend(kept)
