"""Laws of what leaves the process: addresses, URLs, headers, mails."""

import email
import email.policy
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from action_runner.adapters.http_messages import HttpRequest, wire_form
from action_runner.domain.addresses import Forbidden, Vetted, vet
from action_runner.domain.headers import checked_headers
from action_runner.domain.target import read_target
from action_runner.errors import RefusedTarget
from signalbox_rules.errors import RefusedMail
from signalbox_rules.mail.compose import MailContent, compose

TRICKY = st.text(st.sampled_from("aA0.:/?#@\\[]%\r\n\x00\t -_é127x"), max_size=30)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_address_the_standard_library_calls_private_is_vetted(address: IPv4Address) -> None:
    private = not address.is_global or address.is_multicast or address.is_reserved
    if private:
        assert isinstance(vet(str(address)), Forbidden)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_what_is_vetted_of_ipv6_is_global_unicast_or_leads_to_public_ipv4(address: IPv6Address) -> None:
    answer = vet(str(address))
    if isinstance(answer, Vetted):
        assert ip_address(answer.address).is_global
        assert not address.is_multicast


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_disguise_of_an_ipv4_address_is_judged_as_that_address(address: IPv4Address) -> None:
    plain = isinstance(vet(str(address)), Vetted)
    mapped = isinstance(vet(f"::ffff:{address}"), Vetted)
    nat64 = isinstance(vet(f"64:ff9b::{address}"), Vetted)
    six_to_four = IPv6Address((0x2002 << 112) | (int(address) << 80))
    assert (mapped, nat64) == (plain, plain)
    assert isinstance(vet(str(six_to_four)), Forbidden)


@given(TRICKY, TRICKY)
def test_a_url_that_is_read_makes_a_request_of_one_line(authority: str, rest: str) -> None:
    try:
        target = read_target(f"http://{authority}/{rest}")
        data = wire_form(HttpRequest("POST", target, (), b""))
    except RefusedTarget:
        return
    lines = data.split(b"\r\n")
    assert len(lines) == 6
    assert lines[0].count(b" ") == 2
    assert lines[1] == b"Host: " + target.host_header.encode()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert "@" not in target.host


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4))
def test_headers_that_pass_stay_as_many_lines_as_headers(headers: dict[str, str]) -> None:
    try:
        checked = checked_headers(headers.items())
    except RefusedTarget:
        return
    data = wire_form(HttpRequest("POST", read_target("http://erp.example/"), checked, b""))
    assert data.count(b"\n") == data.count(b"\r") == 5 + len(checked)


@given(subject=st.text(max_size=60), name=st.text(max_size=20), text=st.text(max_size=80))
def test_a_mail_that_is_composed_has_our_headers_and_no_others(subject: str, name: str, text: str) -> None:
    content = MailContent(
        sender="s@crm.example", to=(f"{name} <ada@example.com>",), subject=subject, text=text, html=text
    )
    try:
        mail = compose(content, "ab" * 32, "signalbox.local", 0)
    except RefusedMail:
        return
    message = email.message_from_bytes(mail.data, policy=email.policy.SMTP)
    assert set(message.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
    }
    assert mail.recipients == ("ada@example.com",)
    assert b"\n" not in mail.data.replace(b"\r\n", b"")
