"""Whether a graph's own operations on files are the loader's: run by it alone, on names that it gives. Pure.

Three things are known of the loader (tensorflow/cc/saved_model/loader.cc): it runs the restoring operation and the
initialising one, each told the names of assets, and the former that of the variables; it runs nothing for saving.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from serving.contract.operations import READING, WRITING
from serving.contract.saved_model import parse_asset

INIT_SIGNATURE, TRAIN_SIGNATURE = "__saved_model_init_op", "__saved_model_train_op"
INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
ASSET_COLLECTION = "saved_model_assets"
CALLS = ("PartitionedCall", "StatefulPartitionedCall")
DT_STRING = 7
KNOWN_NOT_STRING = 1
"""A type from here on is known; 0 is one that the function's caller chooses."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node, in the function of that name or, where it is empty, in the graph itself."""

    function: str
    node: Any


class MetaGraph:
    """One of a SavedModel's graphs: who calls what, and what leads where."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition
        self.nodes: Mapping[str, Any] = {node.name: node for node in definition.graph_def.node}
        functions = definition.graph_def.library.function
        self.functions: Mapping[str, Any] = {function.signature.name: function for function in functions}
        self._bodies = {name: {node.name: node for node in each.node_def} for name, each in self.functions.items()}

    def places(self) -> Iterator[Place]:
        for node in self.definition.graph_def.node:
            yield Place("", node)
        for function in self.definition.graph_def.library.function:
            for node in function.node_def:
                yield Place(function.signature.name, node)

    def assets(self) -> Iterator[Any]:
        """Each AssetFileDef; TensorFlow 1 had them in a collection, which the loader reads where it finds no others."""
        yield from self.definition.asset_file_def
        if ASSET_COLLECTION in self.definition.collection_def:
            for each in self.definition.collection_def[ASSET_COLLECTION].any_list.value:
                yield parse_asset(each.value)

    def file_fault(self, place: Place) -> str | None:
        """Why this operation on files is not the loader's; None when it is."""
        operation = place.node.op
        ours = {"": place.node.name}.get(place.function, f"{place.function}()")
        reached = {role for role, names in self._reached.items() if ours in names}
        if "caller" in reached:
            return "within reach of a request"
        if operation in WRITING:
            return None if reached == {"save"} else "not only where the model is saved"
        if operation == "RestoreV2":
            accepted, allowed = {_tensor(self.definition.saver_def.filename_tensor_name)}, {"restore", "save"}
        else:
            accepted = {_tensor(asset.tensor_info.name) for asset in self.assets()}
            allowed = {"init", "restore"}
        if not reached or not reached <= allowed:
            return "not only where the model is loaded"
        index = READING[operation]
        names = _data_inputs(place.node)
        if len(names) <= index or not self._comes_from(place.function, names[index], accepted):
            return "of a file that is not the version's own"
        return None

    @cached_property
    def _reached(self) -> Mapping[str, Collection[str]]:
        """By who runs it, the nodes of the graph and, with `()` behind the name, the functions."""
        signatures = self.definition.signature_def
        saver = self.definition.saver_def
        init = [name for key in signatures if key == INIT_SIGNATURE for name in _outputs(signatures[key])]
        for key in INIT_COLLECTIONS:
            if key in self.definition.collection_def:
                init += self.definition.collection_def[key].node_list.value
        caller = [name for key in signatures if key != INIT_SIGNATURE for name in _outputs(signatures[key])]
        return {
            "caller": self._reach(caller),
            "init": self._reach(init),
            "restore": self._reach([saver.restore_op_name]),
            "save": self._reach([saver.save_tensor_name]),
        }

    def _reach(self, roots: Iterable[str]) -> Collection[str]:
        waiting = [_node(root) for root in roots if root]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name.endswith("()"):
                body = self.functions.get(name[:-2])
                nodes = body.node_def if body else ()
            else:
                found = self.nodes.get(name)
                nodes = [found] if found else []
                waiting += [_node(each) for each in found.input] if found else []
            waiting += [f"{called}()" for node in nodes for called in called_functions(node)]
        return seen

    @cached_property
    def _callers(self) -> Mapping[str, list[Place]]:
        callers: dict[str, list[Place]] = {}
        for place in self.places():
            for name in called_functions(place.node):
                if name in self.functions:
                    callers.setdefault(name, []).append(place)
        return callers

    @cached_property
    def _fed(self) -> Collection[str]:
        """The nodes that a request gives the values of."""
        signatures = self.definition.signature_def.values()
        return {_node(name) for signature in signatures for info in signature.inputs.values() for name in _names(info)}

    @cached_property
    def _string_assignments(self) -> list[Place] | None:
        """Each AssignVariableOp that may be of strings; None where something else may change a variable of strings."""
        found = []
        for place in self.places():
            if place.node.op.startswith(("Assign", "ResourceScatter", "ResourceStrided")):
                types = [value.type for name, value in place.node.attr.items() if name in ("dtype", "T")]
                if any(each != DT_STRING and each >= KNOWN_NOT_STRING for each in types):
                    continue
                if place.node.op != "AssignVariableOp":
                    return None
                found.append(place)
        return found

    def _comes_from(self, function: str, name: str, accepted: Collection[str]) -> bool:
        """Whether the tensor can be nothing but one of the `accepted` of the graph, handed on as it is."""
        waiting, seen = [(function, name)], set()
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            before = self._before(*at, accepted)
            if before is None:
                return False
            waiting += before
        return True

    def _before(self, function: str, tensor: str, accepted: Collection[str]) -> list[tuple[str, str]] | None:
        """Where the tensor comes from: nowhere else for an accepted one; None for what is no handing on."""
        name = _node(tensor)
        if not function and (name in self._fed or _tensor(tensor) in accepted):
            return None if name in self._fed else []
        if function and ":" not in tensor:  # in functions, the outputs of nodes have two
            return self._arguments(function, name)
        node = self._bodies[function].get(name) if function else self.nodes.get(name)
        if node is not None and node.op == "Identity":
            return [(function, each) for each in _data_inputs(node)[:1]]
        if node is not None and node.op == "ReadVariableOp" and not function:  # TensorFlow keeps a vocabulary's path so
            return self._assigned(node)
        return None

    def _assigned(self, node: Any) -> list[tuple[str, str]] | None:
        """What any variable of strings is ever given: by handle alone one cannot be told from another."""
        handle = self.nodes.get(_node(node.input[0])) if node.input else None
        if handle is None or handle.op != "VarHandleOp" or self._string_assignments is None:
            return None
        values = [(place.function, _data_inputs(place.node)[1:2]) for place in self._string_assignments]
        if any(function or not value for function, value in values):
            return None
        return [(function, value[0]) for function, value in values]

    def _arguments(self, function: str, name: str) -> list[tuple[str, str]] | None:
        """What the callers of the function give it under that name."""
        arguments = list(self.functions[function].signature.input_arg)
        if any(each.number_attr or each.type_list_attr for each in arguments):
            return None
        index = next((index for index, each in enumerate(arguments) if each.name == name), None)
        callers = self._callers.get(function)
        if index is None or not callers:
            return None
        given = []
        for caller in callers:
            inputs = _data_inputs(caller.node)
            if caller.node.op not in (*CALLS, function) or len(inputs) != len(arguments):
                return None
            given.append((caller.function, inputs[index]))
        return given


def called_functions(node: Any) -> Iterator[str]:
    """The names of functions that the node may call: its own operation's, and those in its attributes at any depth."""
    yield node.op
    waiting = list(node.attr.values())
    while waiting:
        value = waiting.pop()
        for function in [*([value.func] if value.HasField("func") else []), *value.list.func]:
            yield function.name
            waiting += function.attr.values()


def _outputs(signature: Any) -> Iterator[str]:
    for info in signature.outputs.values():
        yield from _names(info)


def _names(info: Any) -> Iterator[str]:
    sparse = info.coo_sparse
    yield from (info.name, sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name)
    for component in info.composite_tensor.components:
        yield from _names(component)


def _data_inputs(node: Any) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]


def _tensor(name: str) -> str:
    """In full: the first output where none is named."""
    return name if ":" in name else f"{name}:0"


def _node(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
