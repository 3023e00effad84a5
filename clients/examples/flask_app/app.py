"""A page in front of two models: a form that asks `diabetes`, an upload that asks `digits`.

Start it beside a gateway with `flask --app app run`; GATEWAY is the gateway's address. The form is made from what the
model says of itself, and the checking of values is left to the gateway, which says what is wrong and where.
"""

import math
import os
from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from penstock_client import (
    BackendOverloaded,
    BackendUnavailable,
    Client,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidInput,
    ModelNotReady,
    Overloaded,
    PenstockError,
    QuotaExceeded,
)
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_UPLOAD_BYTES = 4 * 1024 * 1024
"""What the gateway takes as well, unless it was told otherwise."""

TIMEOUT_SECONDS = 2.0
"""How long somebody looks at a page that loads; the client's retries end within it, and so does the gateway's work."""

RETRY_SECONDS = 2.0
"""Told to the caller where the gateway could not say when there will be room again."""

STATUSES: Mapping[type[PenstockError], int] = MappingProxyType(
    {
        InvalidInput: 400,
        Overloaded: 503,
        QuotaExceeded: 503,  # this app's allowance, not that of whoever looks at the page
        ModelNotReady: 503,
        ConnectionFailed: 503,
        BackendUnavailable: 503,
        BackendOverloaded: 503,
        DeadlineExceeded: 504,
        PenstockError: 502,
    }
)
"""What each of the client's errors means to this app's callers; looked up along the class's ancestors."""


def create_app(client: Client | None = None) -> Flask:
    """`client` is shared by all requests: it keeps its connections open, and threads may share it."""
    penstock = client or Client(os.environ.get("GATEWAY", "http://127.0.0.1:8080"), timeout_seconds=TIMEOUT_SECONDS)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_UPLOAD_BYTES

    @app.get("/")
    def page() -> str:
        return _page(penstock, {})

    @app.post("/progression")
    def progression() -> str | tuple[str, int]:
        typed = request.form.to_dict()
        record = {name: _number(text) for name, text in typed.items() if text.strip()}
        try:
            answer = penstock.predict("diabetes", record)
        except InvalidInput as error:
            return _page(penstock, typed, wrong=error, wrong_name=_feature(error)), 400
        return _page(penstock, typed, progression=answer)

    @app.post("/digit")
    def digit() -> str | tuple[str, int]:
        picture = request.files["picture"].read() if "picture" in request.files else b""
        try:
            answer = penstock.predict("digits", picture)
        except InvalidInput as error:
            return _page(penstock, {}, wrong_picture=error), 400
        return _page(penstock, {}, digit=answer, picture=b64encode(picture).decode())

    app.register_error_handler(PenstockError, _answer_error)
    app.register_error_handler(RequestEntityTooLarge, _answer_too_large)
    return app


def _page(client: Client, typed: Mapping[str, str], **shown: Any) -> str:
    """The whole page. What was typed stays; a form not sent yet holds an example that works."""
    model = client.metadata("diabetes")
    ranges = {feature["name"]: feature.get("range") for feature in model.manifest["features"]}
    examples = model.manifest.get("golden_examples") or [{"instance": {}}]
    values = typed or {name: f"{value:g}" for name, value in examples[0]["instance"].items()}
    return render_template("page.html", model=model, ranges=ranges, values=values, **shown)


def _number(text: str) -> float | str:
    """What is no number goes to the gateway as it is; its error names the field."""
    try:
        return float(text)
    except ValueError:
        return text


def _feature(error: InvalidInput) -> str:
    """`age` of the pointer `/instances/0/age`; empty where the error is of no one field."""
    place = (error.field or "").split("/")
    return place[3] if len(place) > 3 else ""


def _answer_error(error: PenstockError) -> Response:
    status = next(STATUSES[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUSES)
    answer = make_response(render_template("error.html", error=error, kind=type(error).__name__, status=status), status)
    if status == 503:
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after_seconds or RETRY_SECONDS))
    return answer


def _answer_too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    return "The file is too large: 4 MB at most.", 413
