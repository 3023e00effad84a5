"""Which graphs may be loaded: the listed operations anywhere, the loader's own on files only where it runs them."""

from typing import Any

import pytest

from serving.backends.tensorflow_messages import message_module
from serving.contract.graph_report import GraphReport, examine
from serving.contract.operations import ALLOWED, READING, WRITING
from serving.contract.saved_model import parse_saved_model


class Draft:
    """A SavedModel of one graph, saved and restored as TensorFlow 2 does it."""

    def __init__(self) -> None:
        self.message = message_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
        self.graph = self.message.meta_graphs.add()
        self.node("saver_filename", "Placeholder")
        self.graph.saver_def.filename_tensor_name = "saver_filename:0"
        self.graph.saver_def.save_tensor_name = "saving:0"
        self.graph.saver_def.restore_op_name = "restoring"
        self.function("traced_save", ["prefix"])
        self.node("save", "SaveV2", "prefix", function="traced_save")
        self.call("saving", "traced_save", "saver_filename")
        self.function("traced_restore", ["prefix"])
        self.node("restore", "RestoreV2", "prefix", function="traced_restore")
        self.call("restoring", "traced_restore", "saver_filename")
        self.node("x", "Placeholder")
        self.node("y", "Relu", "x")
        self.signature("serving_default", "y:0", x="x:0")

    def node(self, name: str, operation: str, *inputs: str, function: str = "") -> Any:
        nodes = self._function(function).node_def if function else self.graph.graph_def.node
        node = nodes.add(name=name, op=operation)
        node.input.extend(inputs)
        return node

    def function(self, name: str, arguments: list[str]) -> None:
        function = self.graph.graph_def.library.function.add()
        function.signature.name = name
        for argument in arguments:
            function.signature.input_arg.add(name=argument)

    def call(self, name: str, called: str, *inputs: str, function: str = "") -> None:
        node = self.node(name, "StatefulPartitionedCall", *inputs, function=function)
        node.attr["f"].func.name = called

    def signature(self, name: str, output: str, **inputs: str) -> None:
        signature = self.graph.signature_def[name]
        signature.outputs["y"].name = output
        for key, tensor in inputs.items():
            signature.inputs[key].name = tensor

    def table(self, filename: str = "words.txt") -> None:
        """A vocabulary from an asset, by way of a variable of strings as TensorFlow 2.21 has it."""
        asset = self.graph.asset_file_def.add(filename=filename)
        asset.tensor_info.name = "words:0"
        self.node("words", "Placeholder")
        self.node("path", "VarHandleOp")
        self.node("assign", "AssignVariableOp", "path", "words").attr["dtype"].type = 7
        self.node("read", "ReadVariableOp", "path", "^assign")
        self.node("table", "HashTableV2")
        self.function("initializer", ["file", "handle"])
        self.node("fill", "InitializeTableFromTextFileV2", "handle", "file", function="initializer")
        self.call("initialising", "initializer", "read", "table")
        self.signature("__saved_model_init_op", "initialising")

    def _function(self, name: str) -> Any:
        return next(each for each in self.graph.graph_def.library.function if each.signature.name == name)

    def report(self, *allowed: str) -> GraphReport:
        return examine(parse_saved_model(self.message.SerializeToString()), frozenset(allowed))


@pytest.fixture
def draft() -> Draft:
    return Draft()


def refused(report: GraphReport) -> list[tuple[str, str]]:
    return [(each.operation, each.reason) for each in report.refusals]


def test_a_graph_as_tensorflow_saves_it_is_allowed(draft: Draft) -> None:
    draft.table()
    report = draft.report()
    assert report.fault is None
    assert report.operations["Placeholder"] == 3
    assert "traced_save" not in report.operations


@pytest.mark.parametrize("operation", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "PrintV2", "MyOp", "Empty"])
def test_an_operation_off_the_list_is_refused_in_the_graph_and_in_functions(draft: Draft, operation: str) -> None:
    draft.node("bad", operation)
    draft.node("worse", operation, function="traced_save")
    (refusal,) = draft.report().refusals
    assert (refusal.operation, refusal.nodes, refusal.example) == (operation, 2, "bad")
    assert f'allowed_operations = ["{operation}"]' in (draft.report().fault or "")
    assert draft.report(operation).fault is None
    assert draft.report("*").fault is None


def test_every_graph_of_the_file_is_looked_at(draft: Draft) -> None:
    draft.message.meta_graphs.add().graph_def.node.add(name="bad", op="ReadFile")
    assert refused(draft.report()) == [("ReadFile", "not on the list")]


def test_a_function_named_like_an_operation_hides_nothing(draft: Draft) -> None:
    draft.function("ReadFile", [])
    draft.node("bad", "ReadFile")
    assert refused(draft.report()) == [("ReadFile", "not on the list")]


@pytest.mark.parametrize(("called", "operation"), [("traced_save", "SaveV2"), ("traced_restore", "RestoreV2")])
@pytest.mark.parametrize("inside", [False, True])
def test_no_request_reaches_what_saves_or_restores(draft: Draft, called: str, operation: str, inside: bool) -> None:  # noqa: FBT001
    if inside:
        draft.function("wrapper", ["x"])
        draft.call("inner", called, "x", function="wrapper")
        draft.call("z", "wrapper", "x")
    else:
        draft.call("z", called, "x")
    draft.signature("evil", "z:0", x="x:0")
    assert refused(draft.report()) == [(operation, "within reach of a request")]


def test_functions_in_branches_are_reached_too(draft: Draft) -> None:
    draft.node("z", "If", "x").attr["then_branch"].func.name = "traced_save"
    draft.node("w", "Case", "x").attr["branches"].list.func.add(name="traced_restore")
    draft.node("both", "AddV2", "z", "w")
    draft.signature("evil", "both:0")
    assert {operation for operation, _ in refused(draft.report())} == {"SaveV2", "RestoreV2"}


def test_loading_writes_nothing(draft: Draft) -> None:
    draft.node("w", "SaveV2", "saver_filename")
    draft.graph.saver_def.restore_op_name = "w"
    assert ("SaveV2", "not only where the model is saved") in refused(draft.report())


def test_a_file_operation_that_nothing_reaches_is_refused(draft: Draft) -> None:
    draft.node("w", "SaveV2", "saver_filename")
    draft.node("r", "RestoreV2", "saver_filename")
    assert refused(draft.report()) == [
        ("RestoreV2", "not only where the model is loaded"),
        ("SaveV2", "not only where the model is saved"),
    ]


def test_only_the_versions_own_variables_are_restored(draft: Draft) -> None:
    draft.node("elsewhere", "Const")
    draft.call("restoring2", "traced_restore", "elsewhere")
    draft.graph.saver_def.restore_op_name = "restoring2"
    assert ("RestoreV2", "of a file that is not the version's own") in refused(draft.report())


@pytest.mark.parametrize("source", ["elsewhere", "splitter:1", "joined"])
def test_a_table_is_filled_from_nothing_but_an_asset(draft: Draft, source: str) -> None:
    draft.table()
    draft.node("elsewhere", "Const")
    draft.node("splitter", "Split")
    draft.graph.asset_file_def.add(filename="a.txt").tensor_info.name = "splitter:0"
    draft.node("joined", "StringJoin", "words", "words")
    draft.node("fill2", "InitializeTableFromTextFileV2", "table", source)
    draft.signature("__saved_model_init_op", "fill2:0")
    assert ("InitializeTableFromTextFileV2", "of a file that is not the version's own") in refused(draft.report())


def test_a_second_caller_of_the_initialiser_with_another_file_is_found(draft: Draft) -> None:
    draft.table()
    draft.node("elsewhere", "Const")
    draft.call("again", "initializer", "elsewhere", "table")
    assert [reason for _, reason in refused(draft.report())] == ["of a file that is not the version's own"]


@pytest.mark.parametrize("type_of", [{"type": 7}, {"placeholder": "T"}])
def test_a_path_kept_in_a_variable_is_written_by_the_loader_alone(draft: Draft, type_of: dict[str, Any]) -> None:
    draft.table()
    draft.node("elsewhere", "Const")
    other = draft.node("assign2", "AssignVariableOp", "path", "elsewhere")
    for name, value in type_of.items():
        setattr(other.attr["dtype"], name, value)
    assert [operation for operation, _ in refused(draft.report())] == ["InitializeTableFromTextFileV2"]


def test_variables_of_numbers_may_be_assigned_beside_it(draft: Draft) -> None:
    draft.table()
    draft.node("weights", "AssignVariableOp", "w", "x", function="traced_restore").attr["dtype"].type = 1
    assert draft.report().fault is None


def test_a_request_cannot_name_the_file(draft: Draft) -> None:
    draft.table()
    draft.signature("evil", "y:0", path="words:0")
    assert [reason for _, reason in refused(draft.report())] == ["of a file that is not the version's own"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", ".", "a/../../b", "a\\b", "a\0b"])
@pytest.mark.parametrize("collection", [False, True])
def test_an_asset_lies_in_the_version(draft: Draft, name: str, collection: bool) -> None:  # noqa: FBT001
    if collection:
        asset = message_module("tensorflow.core.protobuf.meta_graph_pb2").AssetFileDef(filename=name)
        listed = draft.graph.collection_def["saved_model_assets"].any_list.value.add()
        listed.value = asset.SerializeToString()
    else:
        draft.graph.asset_file_def.add(filename=name)
    assert draft.report().assets == (name,)
    assert "outside the version" in (draft.report().fault or "")
    assert draft.report("*").fault is None


def test_many_refusals_are_told_shortly(draft: Draft) -> None:
    for number in range(50):
        draft.node(f"n{number}", f"Custom{number:02}")
    fault = draft.report().fault or ""
    assert "and 45 more" in fault
    assert len(fault) < 600


def test_the_lists_do_not_overlap() -> None:
    assert not ALLOWED & (WRITING | READING.keys())
    assert not [name for name in ALLOWED if name.startswith(("Py", "Read", "Write")) and name != "ReadVariableOp"]
