"""penstock.toml, then environment variables and arguments, as lines after a zero byte each."""

import atheris

with atheris.instrument_imports(include=["serving", "tomllib"]):
    import tomllib

    from serving.errors import InvalidSettings
    from serving.settings import PREFIX, load_settings
    from tests.integration.fuzz.frame import fuzz


def lines(part: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in part.decode(errors="replace").splitlines())
    return {name: value for name, _, value in pairs}


def one_input(data: bytes) -> None:
    file, _, rest = data.partition(b"\0")
    variables, _, arguments = rest.partition(b"\0")
    try:
        said = tomllib.loads(file.decode())
    except (ValueError, RecursionError):
        return
    environment = {PREFIX + name: value for name, value in lines(variables).items()}
    try:
        load_settings(said, environment, lines(arguments))
    except InvalidSettings as error:
        if not str(error):
            raise AssertionError("refused without a word") from error


if __name__ == "__main__":
    fuzz(one_input)
