"""The `penstock` command: finds a verb through the entry-point group `penstock.verbs` and hands over the rest.

No package imports another for the command line's sake, so this file knows none of them. A verb whose part is
not installed says which pip command brings it. Exit codes: 0 success, 1 a failure of the work, 2 wrong use.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "train": "train a job's model and publish it as the next version",
        "tune": "search over a job's values and publish the best",
        "jobs": "list the job files that can be trained",
        "serve": "start the gateway on a model directory",
        "doctor": "say what will bite in a model directory and a model server's files",
        "model-server": "write the files TensorFlow Serving reads, explain its flags",
        "record": "write a running gateway's requests into a file that can be sent again",
        "models": "list, show, promote, roll back, prune and verify published versions",
        "mirror": "keep a node's model directory like an object store (s3://, gs://, a folder)",
        "push": "put a published version into an object store",
        "k8s": "print a deployment's Kubernetes manifests, checked",
        "keys": "make, list, rotate and revoke the API keys of a gateway",
        "predict": "ask a running gateway for a prediction",
        "loadtest": "load a running gateway, judge it by an objective, and write a report",
        "bench": "measure the gateway beside others, under overload, over a million requests; compare two runs",
        "plan": "batch size, calls in flight and replicas for a rate and a p99, predicted from a measurement",
    }
)
EXTRA_OF_VERB: Mapping[str, str] = MappingProxyType(
    {
        "train": "penstock[training]",
        "tune": "penstock[training]",
        "jobs": "penstock[training]",
        "serve": "penstock[serving]",
        "doctor": "penstock[serving]",
        "model-server": "penstock[serving]",
        "record": "penstock[serving]",
        "models": "penstock[serving]",
        "mirror": "penstock[serving,object-store]",
        "push": "penstock[serving,object-store]",
        "k8s": "penstock[serving]",
        "keys": "penstock[serving]",
        "predict": "penstock-client",
        "loadtest": "penstock[loadtests]",
        "bench": "penstock[loadtests]",
        "plan": "penstock[loadtests]",
    }
)
FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def usage() -> str:
    lines = [
        "usage: penstock VERB ...",
        "",
        "verbs (each has its own --help; --debug shows the traceback of a failure):",
    ]
    lines += [f"  {verb:<14}{summary}" for verb, summary in SUMMARIES.items()]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = [argument for argument in given if argument != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage(), file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else WRONG_USE
    verb, *rest = arguments
    found: EntryPoint | None = next(iter(entry_points(group="penstock.verbs", name=verb)), None)
    if found is None:
        return _unknown(verb)
    try:
        run = found.load()
    except ModuleNotFoundError as error:
        return _missing(verb, f"the module {error.name!r} is not installed")
    return _finish(verb, run, rest, debug="--debug" in given)


def _finish(verb: str, run: Callable[[list[str]], int], arguments: list[str], *, debug: bool) -> int:
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the outermost frame: whatever failed is told in one line, the traceback on request
        if debug:
            raise
        print(f"penstock {verb}: {str(error) or type(error).__name__}", file=sys.stderr)
        return FAILED


def _unknown(verb: str) -> int:
    if verb in EXTRA_OF_VERB:
        return _missing(verb, "it is not installed")
    print(f"penstock: no verb {verb!r}; there are: {', '.join(SUMMARIES)}", file=sys.stderr)
    return WRONG_USE


def _missing(verb: str, reason: str) -> int:
    print(f"penstock {verb}: {reason}; run: pip install '{EXTRA_OF_VERB.get(verb, 'penstock')}'", file=sys.stderr)
    return WRONG_USE


if __name__ == "__main__":
    sys.exit(main())
