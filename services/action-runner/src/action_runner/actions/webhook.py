"""Webhook: one signed HTTP request (Standard Webhooks 1.0), its status the outcome."""

from collections.abc import Mapping
from typing import Any, assert_never
from urllib.parse import urlencode

import msgspec

from action_runner.actions.action import CallAction, Job, PreparedCall, Surroundings
from action_runner.adapters.http_messages import HttpRequest, HttpResponse, NoResponse, NoResponseKind
from action_runner.domain.headers import checked_headers
from action_runner.domain.http_status import retry_after_ms, verdict
from action_runner.domain.outcome import Failure, Outcome, Permanent, Retryable, Succeeded, Unknown
from action_runner.domain.signing import signature_header
from action_runner.domain.target import Target, read_target

USER_AGENT = "Signalbox/1"


class WebhookCall(msgspec.Struct, frozen=True):
    """A request but for its time and signature, which each attempt has of its own."""

    method: str
    target: Target
    destination: str
    """See PreparedCall."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    effect_key: str
    secrets: tuple[str, ...]
    repeatable: bool
    surroundings: Surroundings
    tenant_id: str
    warnings: tuple[str, ...]

    async def make(self, timeout_seconds: float) -> Outcome:
        """See PreparedCall."""
        clock = self.surroundings.clock
        begun = clock.monotonic_seconds()
        request = HttpRequest(
            self.method,
            self.target,
            self._headers(clock.now_ms()),
            self.body,
            self.repeatable,
            self.tenant_id,
        )
        answer = await self.surroundings.http.send(request, timeout_seconds)
        duration_ms = round((clock.monotonic_seconds() - begun) * 1000)
        match answer:
            case HttpResponse():
                return self._answered(answer, duration_ms)
            case NoResponse():
                return self._not_answered(answer)
            case _:
                assert_never(answer)

    def _headers(self, now_ms: int) -> tuple[tuple[str, str], ...]:
        timestamp = now_ms // 1000
        ours = [
            ("Idempotency-Key", self.effect_key),
            ("webhook-id", self.effect_key),
            ("webhook-timestamp", str(timestamp)),
        ]
        if self.secrets:
            signature = signature_header(self.effect_key, timestamp, self.body, self.secrets)
            ours.append(("webhook-signature", signature))
        return (*self.headers, *ours)

    def _answered(self, response: HttpResponse, duration_ms: int) -> Outcome:
        receipt = _receipt(response, duration_ms)
        kind = verdict(response.status)
        if kind == "success":
            return Succeeded(receipt, warnings=self.warnings)
        failure = Failure("http-status", f"{self._place} answered {response.status}")
        if kind == "permanent":
            return Permanent(failure, receipt)
        now_ms = self.surroundings.clock.now_ms()
        return Retryable(failure, retry_after_ms(response.header("retry-after"), now_ms), receipt)

    def _not_answered(self, answer: NoResponse) -> Outcome:
        failure = Failure(_FAILURE_TYPES[answer.kind], f"{self._place}: {answer.detail}")
        if answer.kind == "address-refused":
            return Permanent(failure)
        return Unknown(failure) if answer.sent else Retryable(failure)

    @property
    def _place(self) -> str:
        # Without the query: that is where people put tokens.
        path = self.target.path.partition("?")[0]
        return f"{self.method} {self.target.scheme}://{self.target.host_header}{path}"


def _prepare(job: Job, surroundings: Surroundings) -> PreparedCall:
    parameters = job.parameters
    body, content_type = _body(parameters)
    headers = checked_headers(parameters.get("headers", {}).items())
    present = {name.lower() for name, _ in headers}
    if content_type is not None and "content-type" not in present:
        headers = (("Content-Type", content_type), *headers)
    if "user-agent" not in present:
        headers = (("User-Agent", USER_AGENT), *headers)
    secret = parameters.get("secret")
    target = read_target(parameters["url"])
    return WebhookCall(
        method=parameters["method"],
        target=target,
        destination=target.destination,
        headers=headers,
        body=body,
        effect_key=job.effect_key,
        secrets=surroundings.secrets(job.token.tenant_id, secret) if secret else (),
        repeatable=job.token.actions[0].on_unknown == "resend",
        surroundings=surroundings,
        tenant_id=job.token.tenant_id,
        warnings=job.warnings,
    )


def _body(parameters: Mapping[str, Any]) -> tuple[bytes, str | None]:
    """The body and its content type. Values were put into the parsed structure; no text is spliced here."""
    if "form" in parameters:
        return urlencode(parameters["form"]).encode(), "application/x-www-form-urlencoded"
    if "raw" in parameters:
        return parameters["raw"].encode(), "text/plain; charset=utf-8"
    if "body" in parameters:
        return msgspec.json.encode(parameters["body"]), "application/json"
    return b"", None


def _receipt(response: HttpResponse, duration_ms: int) -> bytes:
    # U+0000 can't be stored as JSON text by PostgreSQL.
    text = response.body_start.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    return msgspec.json.encode(
        {
            "status": response.status,
            "duration_ms": duration_ms,
            "body": text,
            "body_bytes": response.body_bytes,
            "body_complete": response.complete,
            "body_sha256": response.body_sha256,
        }
    )


_FAILURE_TYPES: dict[NoResponseKind, str] = {
    "address-refused": "address-refused",
    "name-unresolved": "name-unresolved",
    "connect": "connection-failed",
    "tls": "tls-failed",
    "timeout": "timeout",
    "closed": "connection-lost",
    "protocol": "not-http",
}

WEBHOOK = CallAction("webhook", _prepare)
