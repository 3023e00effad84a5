"""A collector of traces: takes OTLP over HTTP and prints each span as a line of JSON. Prints its address first."""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def facts_of(span: Span, service: str) -> dict[str, object]:
    return {
        "service": service,
        "name": span.name,
        "kind": span.kind,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(),
        "tracestate": span.trace_state,
        "start_ns": span.start_time_unix_nano,
        "end_ns": span.end_time_unix_nano,
        "status": span.status.code,
        "attributes": {each.key: _value(each) for each in span.attributes},
        "links": [link.span_id.hex() for link in span.links],
    }


def _value(attribute: KeyValue) -> object:
    return getattr(attribute.value, attribute.value.WhichOneof("value") or "string_value")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            named = {each.key: _value(each) for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    sys.stdout.write(json.dumps(facts_of(span, str(named["service.name"]))) + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's names
        """Standard output is for spans."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
