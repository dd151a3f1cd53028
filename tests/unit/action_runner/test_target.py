"""URLs of webhooks: only what every reader reads alike."""

import pytest

from action_runner.domain.target import Endpoint, read_target
from action_runner.errors import RefusedTarget


def test_a_url_is_taken_apart() -> None:
    target = read_target("https://ERP.example:8443/leads?x=1#top")
    assert (target.scheme, target.endpoint) == ("https", Endpoint("erp.example", 8443, "erp.example"))
    assert (target.path, target.host_header, target.destination) == (
        "/leads?x=1",
        "erp.example:8443",
        "erp.example:8443",
    )
    assert target.is_tls


@pytest.mark.parametrize(
    ("url", "host_header", "path"),
    [
        ("http://erp.example", "erp.example", "/"),
        ("http://erp.example:80/a", "erp.example", "/a"),
        ("https://erp.example:443?a=b", "erp.example", "/?a=b"),
        ("https://erp.example:80/", "erp.example:80", "/"),
        ("http://[2606:4700::1111]/", "[2606:4700::1111]", "/"),
        ("http://[2606:4700::1111]:81/", "[2606:4700::1111]:81", "/"),
        ("http://bücher.example/straße", "xn--bcher-kva.example", "/stra%C3%9Fe"),
    ],
)
def test_host_header_and_path(url: str, host_header: str, path: str) -> None:
    target = read_target(url)
    assert (target.host_header, target.path) == (host_header, path)


def test_a_trailing_dot_is_looked_up_without_but_the_allow_list_sees_it() -> None:
    endpoint = read_target("http://localhost./").endpoint
    assert (endpoint.host, endpoint.as_written) == ("localhost", "localhost.")


@pytest.mark.parametrize(
    ("host", "read", "as_written"),
    [
        ("①②⑦.⓪.⓪.①", "127.0.0.1", "①②⑦.⓪.⓪.①"),
        ("127。0。0。1", "127.0.0.1", "127。0。0。1"),
        ("\u212aiosk.example", "kiosk.example", "\u212aiosk.example"),
        ("Bücher.example", "xn--bcher-kva.example", "Bücher.example"),
        ("[0:0::0:1]", "::1", "0:0::0:1"),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1", "::ffff:127.0.0.1"),
    ],
)
def test_what_merely_maps_to_a_host_is_not_that_host_to_the_allow_list(
    host: str, read: str, as_written: str
) -> None:
    endpoint = read_target(f"http://{host}/").endpoint
    assert (endpoint.host, endpoint.as_written) == (read, as_written)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",  # decimal
        "0x7f000001",  # hex
        "017700000001",  # octal
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "127.0.0.0x1",
        "0x",
        "example.0x7f",
        "00000127.0.0.1",
    ],
)
def test_a_number_that_is_no_plain_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(RefusedTarget, match="number"):
        read_target(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "erp.example/",
        "//erp.example/",
        "ftp://erp.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "http:///path",
        "http://",
        "http://?x",
        "http://user@erp.example/",
        "http://user:password@erp.example/",
        "http://127.0.0.1@erp.example/",
        "http://erp.example@127.0.0.1/",
        "http://erp.example#@127.0.0.1\\/",
        "http://erp.example\\@127.0.0.1/",
        "http://erp.example:0/",
        "http://erp.example:65536/",
        "http://erp.example:80:90/",
        "http://erp.example:x/",
        "http://erp.example:-1/",
        "http://erp..example/",
        "http://-erp.example/",
        "http://erp%2eexample/",
        "http://127.0.0.1%00.example/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[::ffff:127.0.0.1.2]/",
        "http://erp.example/a b",
        "http://erp.example/\r\nX: y",
        "http://erp.example\r\n/",
        "http://erp.example/\x00",
        "http://erp.example/\t",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://erp.example/" + "a" * 9_000,
    ],
)
def test_a_url_that_readers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(RefusedTarget):
        read_target(url)
