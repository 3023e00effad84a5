"""Job files of training. One that is read says nothing that the code behind it would first find out about."""

import atheris

with atheris.instrument_imports(include=["serving.contract", "training", "tomllib"]):
    from serving.errors import InvalidJob
    from tests.integration.fuzz.frame import fuzz
    from training.job_files import job_in


def one_input(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        job_in(text, "a.toml")
    except InvalidJob as error:
        if not str(error).startswith("a.toml: "):
            raise AssertionError("the file is not named") from error


if __name__ == "__main__":
    fuzz(one_input)
