"""The verb `penstock predict`, also installed alone as `penstock-predict`.

Exit codes: 0 success, 1 a failure of the work, 2 wrong use.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from penstock_client.bulk import DEFAULT_CONCURRENCY
from penstock_client.bulk_progress import shown_progress
from penstock_client.client import Client
from penstock_client.command_inputs import Sources, WrongUse, rows_of
from penstock_client.errors import InvalidInput
from penstock_client.metadata import Feature
from penstock_client.prediction import Prediction
from penstock_client.prediction_lines import error_line, human_line, json_line
from penstock_client.prediction_stream import PredictionStream, StreamOptions
from penstock_client.retrying import Retries
from penstock_client.row_faults import RowAnswer
from penstock_client.settings import DEFAULT_TIMEOUT_SECONDS

DEFAULT_URL = "http://127.0.0.1:8080"
API_KEY, TOKEN = "PENSTOCK_API_KEY", "PENSTOCK_TOKEN"
FAILED, INTERRUPTED, NOBODY_READS = 1, 130, 141
"""Exit codes; the latter two are those of what SIGINT and SIGPIPE ended, as a shell tells them."""

DEFAULT_RETRIES = 8
RETRIES_PER_SECOND = 10.0
"""More than a client's of its own: few requests of a stream are under way, and nobody wants to send it twice."""

INPUTS_AND_EXAMPLES = """\
an INPUT is
  an image file             .png, .jpg, .webp; a folder of them; or a pattern such as 'scans/*.png'
  a JSON file               .json (one row or many), .ndjson or .jsonl (a row on each line)
  a CSV file                .csv: a header with the features' names, then a row on each line
  JSON itself               '{{"age": 59, "bmi": 32.1}}' or '[[0, 0, 5], [13, 9, 1]]'
  name=value pairs          all of them together are one record; a value is JSON where it can be, else text
  anything else             a value: a number, or text; for a model of images, the path of one
  -                         standard input: a JSON document, a row on each line, or CSV with --csv

Rows are asked about as they come, many at a time, and answered in order: a stream may be of any length.

examples
  {prog} digits seven.png
  {prog} digits scans/ --json
  {prog} diabetes age=59 sex=2 bmi=32.1 bp=101 s1=157 s2=93.2 s3=38 s4=4 s5=4.86 s6=87
  {prog} diabetes patients.csv --label canary
  cat patients.ndjson | {prog} diabetes - --keep-going --url https://penstock.example.com
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
        stream_options = _stream_options(options)
        client = _client(options)
        sources = Sources(_read_stdin, lambda: _features(client, options), stdin_is_csv=options.csv)
        blocks = rows_of(options.inputs, sources)
    except (WrongUse, ValueError) as error:
        parser.error(str(error))
    with client:
        stream = PredictionStream(lambda rows: _ask(client, options, rows), stream_options)
        try:
            with (
                shown_progress(options.progress and sys.stderr.isatty(), None) as tell,
                closing(stream.answers(blocks)) as answers,
            ):
                failed = _print_all(answers, options, tell)
        except BrokenPipeError:  # as `| head` leaves it: nobody is told of it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes there
            return NOBODY_READS
    return FAILED if failed else 0


def _client(options: argparse.Namespace) -> Client:
    return Client(
        options.url,
        timeout_seconds=options.timeout_seconds,
        retries=replace(Retries(), attempts=options.retries + 1, budget_per_second=RETRIES_PER_SECOND),
        api_key=options.api_key or (None if options.token else os.environ.get(API_KEY) or None),
        token=options.token or (None if options.api_key else os.environ.get(TOKEN) or None),
    )


def _stream_options(options: argparse.Namespace) -> StreamOptions:
    given = (
        ("concurrency", options.concurrency, 1),
        ("chunk-rows", options.chunk_rows, 1),
        ("retries", options.retries, 0),
    )
    for name, value, least in given:
        if value is not None and value < least:
            raise WrongUse(f"--{name} is {value}; it must be at least {least}")
    return StreamOptions(concurrency=options.concurrency, chunk_rows=options.chunk_rows, keep_going=options.keep_going)


def _features(client: Client, options: argparse.Namespace) -> Sequence[Feature]:
    return client.metadata(options.model, version=options.version, label=options.label).features


def _ask(client: Client, options: argparse.Namespace, rows: list[object]) -> Sequence[Prediction]:
    answer = client.predict(
        options.model, rows, version=options.version, label=options.label, priority=options.priority
    )
    return [answer] if isinstance(answer, Prediction) else answer


def _read_stdin(most_bytes: int) -> bytes:
    """Past Python's own buffer, whose lock a thread that waits here would hold while the process ends."""
    return os.read(sys.stdin.fileno(), most_bytes)


def _print_all(answered: Iterator[list[RowAnswer]], options: argparse.Namespace, tell: Callable[[int], object]) -> int:
    """The number of rows that failed, where they do not end the stream. Each request's answers are out at once."""
    rows = failed = 0
    for answers in answered:
        errors = [answer.outcome for answer in answers if isinstance(answer.outcome, InvalidInput)]
        ends = bool(errors) and not options.keep_going
        sys.stdout.write("".join(f"{_line(answer, options)}\n" for answer in (answers[:-1] if ends else answers)))
        sys.stdout.flush()
        if ends:
            raise errors[0]
        rows += len(answers)
        failed += len(errors)
        tell(rows)
    if failed:
        print(f"{failed} of {rows} rows failed", file=sys.stderr)
    return failed


def _line(answer: RowAnswer, options: argparse.Namespace) -> str:
    if isinstance(answer.outcome, InvalidInput):
        return error_line(answer.outcome, as_json=options.json)
    return (json_line if options.json else human_line)(answer.outcome, answer.source.name)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Ask a running gateway for predictions: one line of output for each.",
        epilog=INPUTS_AND_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="what to predict for; the forms are below")
    parser.add_argument(
        "--url", default=DEFAULT_URL, help="where the gateway is, http:// or grpc:// (default: %(default)s)"
    )
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
    parser.add_argument("--csv", action="store_true", help="standard input is CSV with a header")
    parser.add_argument(
        "--keep-going", action="store_true", help="print an error in place of a wrong row and go on; ends with 1"
    )
    _add_connection_options(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return parser


def _add_connection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--api-key", metavar="KEY", help=f"the caller's key (default: {API_KEY} in the environment)")
    parser.add_argument("--token", help=f"the caller's bearer token (default: {TOKEN} in the environment)")
    parser.add_argument(
        "--priority", choices=("high", "normal", "batch"), help="the lane of the rows (default: the gateway's)"
    )
    parser.add_argument(
        "--retries", type=int, default=DEFAULT_RETRIES, metavar="N", help="of a request (default: %(default)s)"
    )
    parser.add_argument(
        "--concurrency",
        type=int,
        default=DEFAULT_CONCURRENCY,
        metavar="N",
        help="requests under way at once (default: %(default)s)",
    )
    parser.add_argument(
        "--chunk-rows", type=int, metavar="N", help="rows of a request at most (default: by their size, at most 1000)"
    )
    parser.add_argument(
        "--progress", action="store_true", help="show the rows done on standard error, where that is a terminal"
    )


if __name__ == "__main__":
    sys.exit(main())
