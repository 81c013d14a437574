"""Run the graph of a network by ONNX Runtime.

Graphs come from files, which strangers may have written. ONNX Runtime is therefore only given graphs of the operations that
`export` writes: none of them runs code, reads files or repeats a part of the graph. Such a graph can still ask for much memory
or time.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from sktimbre.autoencoder.data.pitch import combs
from sktimbre.autoencoder.graph.operations import OPSET
from sktimbre.exceptions import PersistenceError

__all__ = ["complete_model", "new_session"]

# Constants that are computed when a graph is read, by the name that it uses.
COMPUTED = {"combs": combs}
# Those of the devices that a network runs on, the first choice first.
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
# Operations that a graph may have.
NAMES = (
    "Abs Add ArgMax AveragePool BatchNormalization Cast Clip Concat Conv Cos Div Elu Exp Expand Floor Gather GatherElements "
    "LeakyRelu Log MatMul Max MaxPool Min Mul Neg PRelu Pad Range ReduceSum Relu Reshape Resize Round Shape Sigmoid Sin Slice "
    "Softmax Softplus Sqrt Sub Tanh Transpose Unsqueeze"
)
OPERATIONS = frozenset(NAMES.split())
# Largest number of nodes; the U-Net has about 300.
MOST_NODES = 20_000


def complete_model(graph: bytes, weights: Sequence[np.ndarray], n_frequencies: int) -> onnx.ModelProto:
    """Return the model of a graph, with its weights and constants.

    Parameters
    ----------
    graph : bytes
        A graph as `export.exported` returns it.
    weights : sequence of ndarray
        Weights of the network.
    n_frequencies : int
        Number of frequencies of its spectra.

    Raises
    ------
    PersistenceError
        The graph is not one that `export.exported` writes.
    """
    try:
        model = onnx.load_model_from_string(graph)
        _check_trusted(model)
        for tensor in model.graph.initializer:
            name, _, number = tensor.name.partition("_")
            if name == "weight":
                array = weights[int(number)]
            elif tensor.name in COMPUTED:
                array = COMPUTED[tensor.name](n_frequencies)
            else:
                continue
            tensor.CopyFrom(numpy_helper.from_array(np.asarray(array, np.float32), tensor.name))
        return model
    except PersistenceError:
        raise
    except Exception as error:  # damaged bytes may fail anywhere in protobuf
        raise PersistenceError(f"The graph of the network cannot be read: {error}") from None


def new_session(graph: bytes, weights: Sequence[np.ndarray], n_frequencies: int) -> onnxruntime.InferenceSession:
    """Return a session that runs a graph; parameters and errors are those of `complete_model`."""
    model = complete_model(graph, weights, n_frequencies)
    available = onnxruntime.get_available_providers()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    providers = [name for name in PROVIDERS if name in available]
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=providers, enable_fallback=False
        )
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise PersistenceError(f"ONNX Runtime cannot read the graph of the network: {error}") from None


def _check_trusted(model):
    graph = model.graph
    foreign = {node.op_type for node in graph.node if node.op_type not in OPERATIONS or node.domain}
    foreign |= {
        a.name for node in graph.node for a in node.attribute if a.type in (a.GRAPH, a.GRAPHS, a.TENSOR, a.TENSORS)
    }
    if model.functions or graph.sparse_initializer or [opset.version for opset in model.opset_import] != [OPSET]:
        foreign.add("functions or another opset")
    if any(tensor.data_location != tensor.DEFAULT or tensor.external_data for tensor in graph.initializer):
        foreign.add("data outside the file")
    if foreign or len(graph.node) > MOST_NODES:
        what = ", ".join(sorted(map(str, foreign))) or f"{len(graph.node)} nodes"
        raise PersistenceError(
            f"The graph of the network has {what}, which sktimbre.save does not write. Do not use the file."
        )
