"""One request at a time, to learn whether a server is up and whether it answers rightly; nothing here is timed."""

import http.client

from loadtests.bench.forms import HttpAnswer, HttpRequest

ASK_SECONDS = 10.0


def ask(port: int, request: HttpRequest) -> HttpAnswer:
    """Raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_SECONDS)
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return HttpAnswer(answer.status, headers, answer.read())
    finally:
        connection.close()


def answers(port: int, request: HttpRequest) -> bool:
    """Whether the request is answered with 200."""
    try:
        return ask(port, request).status == 200
    except (OSError, http.client.HTTPException):
        return False
