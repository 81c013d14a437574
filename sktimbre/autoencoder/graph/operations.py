"""Operations that write an ONNX graph, with the names and arguments of `keras.ops`.

A layer of this package computes its output by ``compute(x, ops)``. With ``keras.ops`` it runs and learns; with `Operations`
the same lines write the nodes of a graph.
"""

from functools import partial
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

__all__ = ["OPSET", "Operations", "Tensor"]

# Version of the operators, which ONNX Runtime reads from 1.14 on.
OPSET = 18
FLOAT, INT = "float32", "int64"
# Functions of `keras.ops` that are one node with the same inputs.
SAME = {
    "abs": "Abs",
    "clip": "Clip",
    "cos": "Cos",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "matmul": "MatMul",
    "maximum": "Max",
    "minimum": "Min",
    "relu": "Relu",
    "round": "Round",
    "sqrt": "Sqrt",
}


class Tensor:
    """A value of a graph: its name, its dtype and, where it is known, its shape (None for axes of any length).

    ``channels`` are the tensors that it was stacked from along a fourth axis.
    """

    # Arrays leave operators to this class.
    __array_ufunc__ = None

    def __init__(self, ops: "Operations", name: str, dtype: str = FLOAT, shape: tuple[int | None, ...] | None = None):
        self.ops = ops
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.channels: list[Tensor] | None = None

    def __add__(self, other):
        return self.ops.node("Add", self, other)

    def __radd__(self, other):
        return self.ops.node("Add", other, self)

    def __sub__(self, other):
        return self.ops.node("Sub", self, other)

    def __rsub__(self, other):
        return self.ops.node("Sub", other, self)

    def __mul__(self, other):
        return self.ops.node("Mul", self, other)

    def __rmul__(self, other):
        return self.ops.node("Mul", other, self)

    def __truediv__(self, other):
        return self.ops.node("Div", self, other)

    def __rtruediv__(self, other):
        return self.ops.node("Div", other, self)

    def __neg__(self):
        return self.ops.node("Neg", self)

    def __getitem__(self, key):
        """Return ``x[0]`` of the first axis, or part of the last: ``x[..., 0]``, ``x[..., 1:2]``, ``x[..., None]``."""
        if isinstance(key, int):
            return self.ops.node("Gather", self, self.ops.constant(np.array(key)), axis=0)
        ellipsis, of_last = key
        if ellipsis is not Ellipsis:
            raise NotImplementedError("Other axes cannot be indexed.")
        if of_last is None:
            return self.ops.node("Unsqueeze", self, [-1])
        if isinstance(of_last, slice):
            return self.ops.node("Slice", self, [of_last.start], [of_last.stop], [-1])
        return self.ops.node("Gather", self, self.ops.constant(np.array(of_last)), axis=-1)


class _Lengths:
    """The lengths of all axes of a tensor; each is a tensor."""

    def __init__(self, ops, tensor):
        self.ops, self.tensor = ops, tensor

    def __getitem__(self, axis):
        return self.ops.node("Gather", self.tensor, self.ops.constant(np.array(axis)), axis=0)


class Operations:
    """Collect the nodes and constants of a graph."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self._given: dict[int, Tensor] = {}
        self._known: dict[tuple[str, bytes, tuple[int, ...]], Tensor] = {}

    def give(self, value: Any, name: str, shape: tuple[int, ...]) -> None:
        """Declare an array or a variable, float32, that is stored elsewhere and has a name in the graph."""
        self._given[id(value)] = Tensor(self, name, FLOAT, tuple(shape))
        self.initializers[name] = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)

    def needed(self, output: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """Return the nodes and constants that an output depends on."""
        names, nodes = {output}, []
        for node in reversed(self.nodes):
            if names.intersection(node.output):
                names.update(node.input)
                nodes.append(node)
        return nodes[::-1], [tensor for name, tensor in self.initializers.items() if name in names]

    def node(self, kind: str, *inputs: Any, dtype: str | None = None, **attributes: Any) -> Tensor:
        """Add a node and return its output; numbers and arrays among the inputs become constants."""
        like = next((x.dtype for x in inputs if isinstance(x, Tensor)), FLOAT)
        names = ["" if x is None else self.tensor(x, like).name for x in inputs]
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return Tensor(self, name, dtype or like)

    def tensor(self, x: Any, dtype: str = FLOAT) -> Tensor:
        """Return a tensor, given value, number or array as a tensor; numbers have the dtype of what they are combined with."""
        if isinstance(x, Tensor):
            return x
        if id(x) in self._given:
            return self._given[id(x)]
        if isinstance(x, list | tuple):
            return self.constant(np.array(x, np.int64))
        return self.constant(np.asarray(x, None if isinstance(x, np.ndarray) else dtype))

    def constant(self, array: np.ndarray) -> Tensor:
        """Return an array as a constant, float32 or int64; equal ones are stored once."""
        array = np.ascontiguousarray(array, FLOAT if array.dtype.kind == "f" else INT).reshape(array.shape)
        key = array.dtype.name, array.tobytes(), array.shape
        if key not in self._known:
            name = f"constant_{len(self._known)}"
            self.initializers[name] = numpy_helper.from_array(array, name)
            self._known[key] = Tensor(self, name, array.dtype.name, array.shape)
        return self._known[key]

    # Below are the functions of `keras.ops`.

    def __getattr__(self, name):
        if name not in SAME:
            raise AttributeError(f"{name!r} has no counterpart in the export")
        return partial(self.node, SAME[name])

    def convert_to_tensor(self, x, dtype=None):
        """Return an array or a list as a constant."""
        x = self.tensor(x) if id(x) in self._given else self.constant(np.asarray(x))
        return self.cast(x, dtype or x.dtype)

    def cast(self, x, dtype):
        """Convert to float32 or, for any integer, to int64."""
        x = self.tensor(x)
        dtype = INT if dtype.startswith("int") else FLOAT
        to = TensorProto.INT64 if dtype == INT else TensorProto.FLOAT
        return x if x.dtype == dtype else self.node("Cast", x, dtype=dtype, to=to)

    def stop_gradient(self, x):
        """Return the value itself."""
        return x

    def expm1(self, x):
        """Return ``exp(x) - 1``."""
        return self.exp(x) - 1.0

    def log1p(self, x):
        """Return ``log(1 + x)``."""
        return self.log(x + 1.0)

    def square(self, x):
        """Return ``x * x``."""
        return x * x

    def sin(self, x):
        """Return the sine of a tensor or an array."""
        return self.node("Sin", x) if isinstance(x, Tensor) else np.sin(x)

    def softmax(self, x, axis=-1):
        """Return the softmax along an axis."""
        return self.node("Softmax", x, axis=axis)

    def sum(self, x, axis, keepdims=False):
        """Return the sum along an axis."""
        return self.node("ReduceSum", x, [axis], keepdims=int(keepdims))

    def argmax(self, x, axis=-1):
        """Return the index of the largest value along an axis."""
        return self.node("ArgMax", x, dtype=INT, axis=axis, keepdims=0)

    def take(self, x, indices):
        """Return entries of an array of one axis."""
        return self.node("Gather", x, indices, axis=0)

    def take_along_axis(self, x, indices, axis):
        """Return one entry of an axis for each index."""
        return self.node("GatherElements", x, indices, axis=axis)

    def transpose(self, x, axes):
        """Permute axes."""
        if x.channels and tuple(axes) == (0, 3, 1, 2):
            # Stacked along the second axis at once: ONNX Runtime takes long to move an axis of few channels.
            return self.stack(x.channels, 1)
        return self.node("Transpose", x, perm=list(axes))

    def concatenate(self, xs, axis=-1):
        """Join tensors or arrays along an axis."""
        if all(isinstance(x, np.ndarray) for x in xs):
            return np.concatenate(xs, axis)
        return self.node("Concat", *xs, axis=axis)

    def stack(self, xs, axis=-1):
        """Join tensors along a new axis."""
        stacked = self.concatenate([self.node("Unsqueeze", x, [axis]) for x in xs], axis)
        stacked.channels = list(xs) if axis == -1 else None
        return stacked

    def shape(self, x):
        """Return the lengths of all axes, to be indexed."""
        return _Lengths(self, self.node("Shape", x, dtype=INT))

    def reshape(self, x, shape):
        """Return a tensor or an array in another shape."""
        if isinstance(x, np.ndarray):
            return x.reshape(shape)
        return self.node("Reshape", x, self._as_shape(shape))

    def broadcast_to(self, x, shape):
        """Repeat axes of length 1."""
        return self.node("Expand", x, self._as_shape(shape))

    def arange(self, stop, dtype=INT):
        """Return the numbers from 0 to an end, an array if the end is a number."""
        if isinstance(stop, Tensor):
            return self.node("Range", self.constant(np.array(0)), stop, self.constant(np.array(1)), dtype=INT)
        return np.arange(stop, dtype=dtype)

    def linspace(self, start, stop, num):
        """Return equally spaced numbers as an array."""
        return np.linspace(start, stop, num, dtype=FLOAT)

    def _as_shape(self, shape):
        lengths = [
            self.node("Unsqueeze", n, [0]) if isinstance(n, Tensor) else self.constant(np.array([n])) for n in shape
        ]
        return self.node("Concat", *lengths, dtype=INT, axis=0)
