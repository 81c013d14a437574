"""Export a Keras model as an ONNX graph without its weights.

The graph refers to weights and computed constants by name, ``weight_3`` or ``combs``, so that a file stores them once.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from onnx import TensorProto, helper

from sktimbre.autoencoder.graph.operations import OPSET, Operations, Tensor

__all__ = ["NotExportableError", "exported"]

# Version of the file format, which ONNX Runtime reads from 1.14 on.
IR_VERSION = 8
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus", "elu": "Elu"}
# Names of the axes of any length.
BATCH, FRAMES = "notes", "frames"


class NotExportableError(Exception):
    """A layer or setting has no counterpart in the export."""


def exported(model: Any) -> bytes:
    """Return the graph of a model as serialized ONNX, without the values of weights.

    Parameters
    ----------
    model : keras.Model
        A functional model of layers that this module knows, or that have ``compute(x, ops)``.

    Raises
    ------
    NotExportableError
        A layer is not known.
    """
    ops = Operations()
    for i, weight in enumerate(model.weights):
        ops.give(weight, f"weight_{i}", weight.shape)
    (spectra,) = model.inputs
    shape = list(spectra.shape)
    given = Tensor(ops, "spectra", shape=tuple(shape))
    known = {id(spectra): ops.transpose(given, (0, 3, 1, 2))}
    waiting = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    while waiting:
        ready = [layer for layer in waiting if all(id(x) in known for x in _inputs(layer))]
        if not ready:
            names = ", ".join(sorted({type(layer).__name__ for layer in waiting}))
            raise NotExportableError(f"operations between the layers {names}")
        for layer in ready:
            known[id(layer.output)] = _emitted(layer, [known[id(x)] for x in _inputs(layer)], ops)
            waiting.remove(layer)
    (output,) = model.outputs
    if id(output) not in known:
        raise NotExportableError("operations between the layers and the output")
    ops.transpose(known[id(output)], (0, 2, 3, 1))
    ops.nodes[-1].output[0] = "output"
    lengths = [BATCH, shape[1], FRAMES, 1]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, lengths) for name in ("spectra", "output")]
    nodes, constants = ops.needed("output")
    graph = helper.make_graph(nodes, model.name, values[:1], values[1:], constants)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="sktimbre"
    ).SerializeToString()


def _inputs(layer):
    try:
        given = layer.input
    except (AttributeError, ValueError):
        raise NotExportableError(f"layer {layer.name!r}, which is used several times") from None
    return given if isinstance(given, list) else [given]


# Values of four axes are stored with their channels first, as the convolutions of ONNX want them.


def _channels_last(x, ops):
    return ops.transpose(x, (0, 2, 3, 1))


def _channels_first(x, ops):
    return ops.transpose(x, (0, 3, 1, 2))


def _emitted(layer, inputs, ops):
    """Write the nodes of a layer and return its output."""
    name = type(layer).__name__
    if name in EMITTERS and type(layer).__module__.split(".")[0] in ("keras", "sktimbre"):
        return EMITTERS[name](layer, *inputs, ops=ops)
    if not hasattr(layer, "compute"):
        raise NotExportableError(f"layer {layer.name!r} ({name})")
    for constant, value in getattr(layer, "constants", {}).items():
        ops.give(value, constant, value.shape)
    x = _channels_last(inputs[0], ops)
    x.shape = tuple(layer.input.shape)
    return _channels_first(layer.compute(x, ops), ops)


def _activated(layer, x, ops):
    activation = keras.activations.serialize(layer.activation)
    if activation == "linear":
        return x
    if activation not in ACTIVATIONS:
        raise NotExportableError(f"activation {activation!r} of layer {layer.name!r}")
    return ops.node(ACTIVATIONS[activation], x)


def _same(layer, kernel, dilation):
    """Return the attributes of padding that keeps the shape."""
    if layer.padding == "valid":
        return {}
    if all(stride == 1 for stride in layer.strides):
        return {"pads": _pads(kernel, dilation)}
    if any(d != 1 for d in dilation):
        raise NotExportableError(f"strides and dilation of layer {layer.name!r}")
    return {"auto_pad": "SAME_UPPER"}


def _pads(kernel, dilation):
    """Return the padding before and after each axis with which a convolution of stride 1 keeps the shape."""
    total = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    return [n // 2 for n in total] + [n - n // 2 for n in total]


def _convolution(layer, x, ops):
    _check_channels_last(layer)
    kernel = ops.transpose(ops.tensor(layer.kernel), (3, 2, 0, 1))
    pads = _same(layer, layer.kernel_size, layer.dilation_rate)
    attributes = {"strides": list(layer.strides), "dilations": list(layer.dilation_rate), "group": layer.groups, **pads}
    bias = layer.bias if layer.use_bias else None
    return _activated(layer, ops.node("Conv", x, kernel, bias, **attributes), ops)


def _tied_convolution(layer, x, ops):
    (conv,) = layer._tied_to
    first, last = np.array([-1, -1]), np.array([np.iinfo(np.int64).min] * 2)
    flipped = ops.node("Slice", conv.kernel, first, last, np.array([0, 1]), np.array([-1, -1]))
    pads = _pads(conv.kernel_size, conv.dilation_rate)
    kernel = ops.transpose(flipped, (2, 3, 0, 1))
    return ops.node("Conv", x, kernel, layer.bias, dilations=list(conv.dilation_rate), pads=pads)


def _dense(layer, x, ops):
    y = ops.matmul(_channels_last(x, ops), ops.tensor(layer.kernel))
    return _activated(layer, _channels_first(y + layer.bias if layer.use_bias else y, ops), ops)


def _normalization(layer, x, ops):
    if layer.axis not in (-1, 3):
        raise NotExportableError(f"axis={layer.axis} of layer {layer.name!r}")
    ones = np.ones(layer.moving_mean.shape, np.float32)
    scale = layer.gamma if layer.scale else ones
    offset = layer.beta if layer.center else 0 * ones
    return ops.node(
        "BatchNormalization", x, scale, offset, layer.moving_mean, layer.moving_variance, epsilon=layer.epsilon
    )


def _pooling(kind):
    def emit(layer, x, ops):
        _check_channels_last(layer)
        pads = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
        return ops.node(kind, x, kernel_shape=list(layer.pool_size), strides=list(layer.strides), **pads)

    return emit


def _upsampling(layer, x, ops):
    _check_channels_last(layer)
    if layer.interpolation != "nearest":
        raise NotExportableError(f"interpolation={layer.interpolation!r} of layer {layer.name!r}")
    scales = np.array([1, 1, *layer.size], np.float32)
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return ops.node("Resize", x, None, scales, **how)


def _padding(layer, x, ops):
    _check_channels_last(layer)
    (top, bottom), (left, right) = layer.padding
    return ops.node("Pad", x, [0, 0, top, left, 0, 0, bottom, right])


def _cropping(layer, x, ops):
    _check_channels_last(layer)
    (top, bottom), (left, right) = layer.cropping
    ends = [-n or np.iinfo(np.int64).max for n in (bottom, right)]
    return ops.node("Slice", x, [top, left], ends, [2, 3])


def _reshaped(layer, x, ops):
    x = _channels_last(x, ops) if len(layer.input.shape) == 4 else x
    y = ops.node("Reshape", x, [0, *layer.target_shape])
    return _channels_first(y, ops) if len(layer.output.shape) == 4 else y


def _permuted(layer, x, ops):
    x = _channels_last(x, ops) if len(layer.input.shape) == 4 else x
    y = ops.transpose(x, (0, *layer.dims))
    return _channels_first(y, ops) if len(layer.output.shape) == 4 else y


def _concatenation(layer, *xs, ops):
    rank, axis = len(layer.output.shape), layer.axis % len(layer.output.shape)
    return ops.concatenate(list(xs), (0, 2, 3, 1)[axis] if rank == 4 else axis)


def _merged(kind):
    def emit(layer, *xs, ops):
        y = xs[0]
        for x in xs[1:]:
            y = ops.node(kind, y, x)
        return y

    return emit


def _rescaled(layer, x, ops):
    if np.ndim(layer.scale) or np.ndim(layer.offset):
        raise NotExportableError(f"a scale for each channel in layer {layer.name!r}")
    return x * float(layer.scale) + float(layer.offset)


def _leaky(layer, x, ops):
    return ops.node("LeakyRelu", x, alpha=float(layer.negative_slope))


def _relu(layer, x, ops):
    if layer.max_value is not None or layer.threshold:
        raise NotExportableError(f"max_value or threshold of layer {layer.name!r}")
    return ops.node("LeakyRelu", x, alpha=float(layer.negative_slope)) if layer.negative_slope else ops.relu(x)


def _parametric(layer, x, ops):
    return ops.node("PRelu", x, ops.transpose(ops.tensor(layer.alpha), (2, 0, 1)))


def _unchanged(layer, x, *others, ops):
    return x


def _check_channels_last(layer):
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise NotExportableError(f"data_format={layer.data_format!r} of layer {layer.name!r}")


EMITTERS: dict[str, Callable[..., Tensor]] = {
    "Activation": _activated,
    "Add": _merged("Add"),
    "AveragePooling2D": _pooling("AveragePool"),
    "BatchNormalization": _normalization,
    "Concatenate": _concatenation,
    "Conv2D": _convolution,
    "Cropping2D": _cropping,
    "Dense": _dense,
    "Dropout": _unchanged,
    "GaussianNoise": _unchanged,
    "Identity": _unchanged,
    "KLSparsity": _unchanged,
    "LeakyReLU": _leaky,
    "MaxPooling2D": _pooling("MaxPool"),
    "Maximum": _merged("Max"),
    "Multiply": _merged("Mul"),
    "NonNegative": lambda layer, x, ops: ops.relu(x),
    "PReLU": _parametric,
    "Permute": _permuted,
    "ReLU": _relu,
    "Rescaling": _rescaled,
    "Reshape": _reshaped,
    "SpatialDropout2D": _unchanged,
    "Subtract": _merged("Sub"),
    "TiedConv2D": _tied_convolution,
    "UpSampling2D": _upsampling,
    "ZeroPadding2D": _padding,
}
