"""The verb `penstock predict`, also installed alone as `penstock-predict`.

Exit codes: 0 success, 1 a failure of the work, 2 wrong use.
"""

import argparse
import sys
from collections.abc import Sequence

from penstock_client.client import Client
from penstock_client.command_inputs import WrongUse, read_inputs
from penstock_client.prediction import Prediction
from penstock_client.prediction_lines import human_line, json_line
from penstock_client.settings import DEFAULT_TIMEOUT_SECONDS

DEFAULT_URL = "http://127.0.0.1:8080"
FAILED, INTERRUPTED = 1, 130

INPUTS_AND_EXAMPLES = """\
an INPUT is
  an image file             .png, .jpg, .webp
  a JSON file               .json (one row or many), .ndjson or .jsonl (a row on each line)
  JSON itself               '{{"age": 59, "bmi": 32.1}}' or '[[0, 0, 5], [13, 9, 1]]'
  name=value pairs          all of them together are one record; a value is JSON where it can be, else text
  anything else             a value: a number, or text; for a model of images, the path of one
  -                         standard input: a JSON document, or a row on each line

examples
  {prog} digits seven.png
  {prog} digits scans/*.png --json
  {prog} diabetes age=59 sex=2 bmi=32.1 bp=101 s1=157 s2=93.2 s3=38 s4=4 s5=4.86 s6=87
  {prog} diabetes patients.ndjson --label canary
  cat patients.ndjson | {prog} diabetes - --url https://penstock.example.com
"""


def predict(argv: Sequence[str]) -> int:
    return _predict(argv, prog="penstock predict")


def main() -> int:
    given = sys.argv[1:]
    try:
        return _predict([argument for argument in given if argument != "--debug"], prog="penstock-predict")
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the outermost frame: whatever failed is told in one line, the traceback on request
        if "--debug" in given:
            raise
        print(f"penstock-predict: {str(error) or type(error).__name__}", file=sys.stderr)
        return FAILED


def _predict(argv: Sequence[str], *, prog: str) -> int:
    parser = _parser(prog)
    options = parser.parse_intermixed_args(argv)
    try:
        given = read_inputs(options.inputs, sys.stdin.read)
        client = Client(options.url, timeout_seconds=options.timeout_seconds)
    except (WrongUse, ValueError) as error:
        parser.error(str(error))
    with client:
        answer = client.predict(options.model, given.inputs, version=options.version, label=options.label)
    predictions = [answer] if isinstance(answer, Prediction) else answer
    names = given.names or [""] * len(predictions)
    render = json_line if options.json else human_line
    for prediction, name in zip(predictions, names, strict=True):
        print(render(prediction, name))
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Ask a running gateway for predictions: one line of output for each.",
        epilog=INPUTS_AND_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="what to predict for; the forms are below")
    parser.add_argument("--url", default=DEFAULT_URL, help="where the gateway is (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each prediction")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, metavar="N", help="ask this version (default: the gateway chooses)")
    which.add_argument("--label", metavar="NAME", help="ask the version that this label points to")
    parser.add_argument(
        "--timeout-seconds",
        type=float,
        default=DEFAULT_TIMEOUT_SECONDS,
        metavar="S",
        help="how long to wait for the gateway (default: %(default)g)",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
