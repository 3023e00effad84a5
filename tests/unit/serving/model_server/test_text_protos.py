import pytest

from serving.errors import IntegrityError
from serving.model_server.text_protos import Kind, empty_message, parse_text, render_text

KINDS: tuple[Kind, ...] = ("models.config", "batching.config", "monitoring.config")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_an_empty_message(kind: Kind) -> None:
    assert parse_text(kind, "# nothing but a remark\n") == empty_message(kind)
    assert render_text(empty_message(kind)) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_field_is_named_with_its_place(kind: Kind) -> None:
    with pytest.raises(IntegrityError, match=rf"{kind}: 2:1 .*no_such_field"):
        parse_text(kind, "\nno_such_field: 1\n")


@pytest.mark.parametrize(
    "text",
    ["max_batch_size: 8", "max_batch_size { value: 'many' }", "allowed_batch_sizes: 1.5", "max_batch_size { value: 8"],
    ids=["not wrapped", "a word", "a fraction", "not closed"],
)
def test_values_of_the_wrong_kind_are_refused(text: str) -> None:
    with pytest.raises(IntegrityError, match=r"batching\.config: \d+:\d+"):
        parse_text("batching.config", text)


def test_batching_parameters_are_written_as_the_server_has_them() -> None:
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 1000 }
        max_enqueued_batches { value: 100 }
        num_batch_threads { value: 8 }
        thread_pool_name { value: "pool" }
        allowed_batch_sizes: 64
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
    """
    message = parse_text("batching.config", text)
    assert (message.max_batch_size.value, list(message.allowed_batch_sizes)) == (128, [64, 128])
    assert parse_text("batching.config", render_text(message)) == message
