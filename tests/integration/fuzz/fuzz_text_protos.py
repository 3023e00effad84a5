"""TensorFlow Serving's text files as they are read here: models.config, batching.config and monitoring.config. The
first byte picks the kind.
"""

import atheris

with atheris.instrument_imports(include=["serving", "google.protobuf.text_format"]):
    from serving.model_server.text_protos import Kind, parse_text, render_text
    from tests.integration.fuzz.frame import fuzz

KINDS: tuple[Kind, ...] = ("models.config", "batching.config", "monitoring.config")


def one_input(data: bytes) -> None:
    """What is read is written so that it reads back the same."""
    if not data:
        return
    kind = KINDS[data[0] % len(KINDS)]
    found = parse_text(kind, data[1:].decode(errors="replace"))
    assert parse_text(kind, render_text(found)) == found


if __name__ == "__main__":
    fuzz(one_input)
