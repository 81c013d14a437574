"""Read files whose parts are sktimbre's own, arrays and plain values, without skops.

Importing skops loads every module of scikit-learn, which takes as long as all else that `sktimbre convert` does. Files with
other parts, such as estimators of scikit-learn, are read by skops.
"""

import importlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktimbre.persistence.names import PLACES

__all__ = ["NotPlainError", "Record", "read_plain", "read_record"]

# Types whose attributes are set, besides sktimbre's own.
FURTHER = {("sklearn.pipeline", "Pipeline")}
# Estimators, whose modules import scikit-learn; `read_record` returns their attributes.
ESTIMATORS = {"TimbreTransfer", "LogSTFT", "GriffinLimInverter", "TimbreAutoencoder", "PairAugmenter"}


class NotPlainError(Exception):
    """The file has a part that only skops reads."""


def read_plain(schema: dict[str, Any], members: dict[str, bytes]) -> Any:
    """Return the object of a file, as skops would.

    Nothing is called but the methods ``__setstate__`` of the types of `PLACES` and of Pipeline.

    Parameters
    ----------
    schema : dict
        The tree of skops, with full names of modules.
    members : dict of str to bytes
        Content of the archive's members.

    Raises
    ------
    NotPlainError
        A part is of another type.
    """
    return _Reader(members).read(schema)


@dataclass
class Record:
    """The attributes of an estimator.

    Parameters
    ----------
    kind : str
        Name of its class.
    state : dict of str to object
        Its attributes, which are also attributes of the record.
    """

    kind: str
    state: dict[str, Any]

    def __getattr__(self, name):
        # Before it is set, as in a copy, looking for the state itself would not end.
        if name == "state" or name not in self.state:
            raise AttributeError(f"{name!r} is no attribute of this record")
        return self.state[name]


def read_record(schema: dict[str, Any], members: dict[str, bytes]) -> Any:
    """Return the object of a file with a `Record` in place of each estimator of `ESTIMATORS`.

    Parameters and errors are those of `read_plain`.
    """
    return _Reader(members, records=True).read(schema)


class _Reader:
    def __init__(self, members, records=False):
        self.members = members
        self.records = records
        self.known = {}  # objects by their identity in the process that wrote them

    def read(self, node):
        identity = node.get("__id__")
        if identity not in self.known:
            read = READERS.get((node["__loader__"], node["__module__"], node["__class__"]), _Reader.object)
            value = read(self, node)
            if identity is None:
                return value
            self.known[identity] = value
        return self.known[identity]

    def object(self, node):
        module, name = node["__module__"], node["__class__"]
        if node["__loader__"] != "ObjectNode" or not (PLACES.get(name) == module or (module, name) in FURTHER):
            raise NotPlainError(f"{module}.{name}")
        if self.records and name in ESTIMATORS:
            state = self.read(node["content"]) if node.get("content") else None
            if not isinstance(state, dict):
                raise NotPlainError(f"the attributes of a {name}")
            return Record(name, state)
        kind = getattr(importlib.import_module(module), name)
        instance = kind.__new__(kind)
        if node.get("content") is not None:
            state = self.read(node["content"])
            if hasattr(instance, "__setstate__"):
                instance.__setstate__(state)
            else:
                instance.__dict__.update(state)
        return instance

    def dict(self, node):
        if any((kind["__module__"], kind["__class__"]) != ("builtins", "str") for kind in node["key_types"]["content"]):
            raise NotPlainError("keys of a dictionary")
        return {key: self.read(value) for key, value in node["content"].items()}

    def list(self, node):
        return [self.read(item) for item in node["content"]]

    def tuple(self, node):
        return tuple(self.list(node))

    def json(self, node):
        if node["is_json"] is not True:
            raise NotPlainError("a value that is no JSON")
        return json.loads(node["content"])

    def bytes(self, node):
        return self.members[node["file"]]

    def array(self, node):
        if node["type"] != "numpy":
            raise NotPlainError("an array of objects")
        return np.load(io.BytesIO(self.members[node["file"]]), allow_pickle=False)


READERS = {
    ("DictNode", "builtins", "dict"): _Reader.dict,
    ("ListNode", "builtins", "list"): _Reader.list,
    ("TupleNode", "builtins", "tuple"): _Reader.tuple,
    ("JsonNode", "builtins", "str"): _Reader.json,
    ("BytesNode", "builtins", "bytes"): _Reader.bytes,
    ("NdArrayNode", "numpy", "ndarray"): _Reader.array,
}
