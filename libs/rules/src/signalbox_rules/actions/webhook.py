"""Webhook."""

import re
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    HeaderTemplate,
    JsonTemplate,
    Parameters,
    Preview,
    TextTemplate,
    UrlTemplate,
)
from signalbox_rules.actions.rendering import CONTROL, Rendering
from signalbox_rules.errors import RulesError
from signalbox_rules.templates import has_template

HEADERS_MAX: Final = 50
URL_MAX: Final = 8_000  # characters after rendering

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # a token of RFC 9110
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
     "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature"}
)  # fmt: skip
_SPACE_OR_BACKSLASH: Final = re.compile(r"[\s\\]")
_URL_START: Final = re.compile(r"https?://[^/?#\s]+")


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError(f"{name[:40]!r} is not a name of an HTTP header")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is set by Signalbox itself; leave it out")
    return name


@lru_cache(maxsize=1_024)
def check_url(url: str) -> str:
    """An absolute http or https URL without user name or password. Raises RulesError.

    Whether its host may be called is decided where the connection is made.
    """
    if len(url) > URL_MAX:
        raise RulesError(f"has {len(url):,} characters; at most {URL_MAX:,} are allowed")
    if CONTROL.search(url) or _SPACE_OR_BACKSLASH.search(url):
        raise RulesError("has white space, a control character or a backslash in it, which a URL cannot have")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise RulesError(f"is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise RulesError("must be an absolute URL that starts with https:// or http:// and names a host")
    if "@" in parts.netloc:
        raise RulesError(
            "has a user name or password in it; send credentials in a header or sign with a secret"
        )
    return url


def _url(source: str) -> str:
    if not has_template(source):
        try:
            return check_url(source)
        except RulesError as error:
            raise ValueError(str(error)) from None
    if not source.lstrip().startswith("{{") and _URL_START.match(source) is None:
        raise ValueError(
            "must start with https:// or http:// and a host, or be one template that gives the whole URL"
        )
    return source


class Webhook(Parameters):
    """`body` is JSON, `form` a form's fields, `raw` a text; at most one of them. `secret` names the signing
    secret.
    """

    url: Annotated[UrlTemplate, AfterValidator(_url)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Annotated[
        dict[Annotated[str, AfterValidator(_header_name)], HeaderTemplate],
        Field(max_length=HEADERS_MAX, default_factory=dict),
    ]
    body: JsonTemplate = None
    form: dict[str, TextTemplate] | None = None
    raw: TextTemplate | None = None
    secret: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        bodies = [name for name in ("body", "form", "raw") if getattr(self, name) is not None]
        if len(bodies) > 1:
            raise ValueError(f"has {' and '.join(bodies)}; keep one")
        if bodies and self.method == "GET":
            raise ValueError(f"has a {bodies[0]}, which GET does not send; use POST")
        return self


def _render(parameters: Webhook, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    url = rendering.whole_url("/url", parameters.url)
    if not rendering.problems:
        try:
            check_url(url)
        except RulesError as error:
            rendering.refuse("/url", f"{url[:200]!r} {error}")
    request: dict[str, Any] = {
        "method": parameters.method,
        "url": url,
        "headers": {
            name: rendering.text(f"/headers/{name}", source, "header").strip()
            for name, source in parameters.headers.items()
        },
    }
    if parameters.body is not None:
        request["body"] = rendering.value("/body", parameters.body)
    if parameters.form is not None:
        request["form"] = {
            name: rendering.text(f"/form/{name}", source, "text") for name, source in parameters.form.items()
        }
    if parameters.raw is not None:
        request["raw"] = rendering.text("/raw", parameters.raw, "text")
    if parameters.secret is not None:
        request["secret"] = parameters.secret
    return rendering.done(request)


WEBHOOK: Final = Action(
    type="webhook",
    label="Call webhook",
    description="Sends an HTTP request, signed if a secret is named.",
    topic="actions.webhook",
    parameters=Webhook,
    example={"method": "POST", "url": "https://erp.example/leads", "body": {"lead": "{{ record.id }}"}},
    timeout_seconds=15,
    timeout_seconds_max=120,
    render=_render,
)
