"""Headers, statuses, signatures and the wire form of webhooks."""

import pytest

from action_runner.adapters.http_messages import HttpRequest, wire_form
from action_runner.domain.headers import checked_headers
from action_runner.domain.http_status import retry_after_ms, verdict
from action_runner.domain.signing import signature_header
from action_runner.domain.target import read_target
from action_runner.errors import RefusedTarget

TARGET = read_target("http://erp.example/leads")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X-A", "a\rb"),
        ("X-A", "a\x00b"),
        ("X-A", "a\x1fb"),
        ("X-A", "a\x7f"),
        ("X-A", "a\u2028b"),
        ("X-A", "\u0100"),
        ("X-A", "a" * 9_000),
        ("X A", "a"),
        ("X-A:", "a"),
        ("X-A\r\nX-B", "a"),
        ("", "a"),
        ("Ü", "a"),
        ("Host", "internal"),
        ("CONTENT-LENGTH", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "keep-alive"),
        ("Webhook-Id", "mine"),
        ("Idempotency-Key", "mine"),
    ],
)
def test_headers_that_could_change_the_message_are_refused(name: str, value: str) -> None:
    with pytest.raises(RefusedTarget):
        checked_headers([(name, value)])


def test_a_header_twice_is_refused_whatever_its_case() -> None:
    with pytest.raises(RefusedTarget, match="twice"):
        checked_headers([("X-A", "1"), ("x-a", "2")])


def test_a_refusal_never_shows_the_value() -> None:
    with pytest.raises(RefusedTarget) as refused:
        checked_headers([("Authorization", "Bearer secret\n")])
    assert "secret" not in str(refused.value)


def test_good_headers_pass_trimmed() -> None:
    assert checked_headers([("X-A", " b\tc ")]) == (("X-A", "b\tc"),)


@pytest.mark.parametrize("method", ["", "post", "CONNECT", "TRACE", "HEAD", "GET / HTTP/1.1\r\nX: y", "GE T"])
def test_methods_that_do_not_fit_are_refused(method: str) -> None:
    with pytest.raises(RefusedTarget):
        wire_form(HttpRequest(method, TARGET, (), b""))


def test_a_request_has_one_host_one_length_and_its_body() -> None:
    data = wire_form(HttpRequest("POST", TARGET, (("X-A", "b"),), b"{}"))
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /leads HTTP/1.1",
        b"Host: erp.example",
        b"Content-Length: 2",
        b"Accept-Encoding: identity",
        b"X-A: b",
    ]
    assert body == b"{}"


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 201, 202, 204, 299), "success"),
        ((408, 425, 429, 500, 502, 503, 504, 599), "retryable"),
        ((300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 410, 418, 600, 999), "permanent"),
    ],
)
def test_what_a_status_means(statuses: tuple[int, ...], meaning: str) -> None:
    assert {verdict(status) for status in statuses} == {meaning}


@pytest.mark.parametrize(
    ("value", "wait_ms"),
    [
        (None, None),
        ("120", 120_000),
        (" 7 ", 7_000),
        ("0", 0),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 0),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 590_000),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        ("9" * 400, 9_999_999_999_000),
    ],
)
def test_retry_after(value: str | None, wait_ms: int | None) -> None:
    assert retry_after_ms(value, now_ms=10_000) == wait_ms


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    # Standard Webhooks, "Signature scheme": the worked example of its reference libraries.
    signature = signature_header(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_in_rotation_signs_twice_the_newest_first() -> None:
    both = signature_header("id", 1, b"", ["new", "old"]).split(" ")
    assert both == [signature_header("id", 1, b"", ["new"]), signature_header("id", 1, b"", ["old"])]
    assert both[0] != both[1]
