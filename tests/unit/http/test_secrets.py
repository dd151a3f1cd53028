"""Envelopes: only the right key, name and tenant open them."""

import base64
from pathlib import Path

import msgspec
import pytest

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.process.settings import SharedSettings
from signalbox_runtime.secrets import SecretUnreadable, keyring_of, open_envelope, parse_keys, seal


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def test_what_is_sealed_is_opened_newest_first_and_never_twice_the_same() -> None:
    keyring = parse_keys(key(1), "here")
    first, second = (seal(keyring, "acme", "erp", ("new 🦊", "old"), 1) for _ in range(2))
    assert open_envelope(keyring, first) == ("new 🦊", "old")
    assert first.ciphertext != second.ciphertext
    assert b"new" not in first.ciphertext


@pytest.mark.parametrize("change", [{"name": "other"}, {"tenant_id": "other"}, {"nonce": b"0" * 12}])
def test_an_envelope_under_another_name_does_not_open(change: dict[str, object]) -> None:
    keyring = parse_keys(key(1), "here")
    moved = msgspec.structs.replace(seal(keyring, "acme", "erp", ("v",), 1), **change)
    with pytest.raises(SecretUnreadable, match="altered"):
        open_envelope(keyring, moved)


def test_keys_are_changed_by_putting_a_new_one_first() -> None:
    before = seal(parse_keys(key(1), "here"), "acme", "erp", ("v",), 1)
    both = parse_keys(f"{key(2)}\n{key(1)}\n", "here")
    assert open_envelope(both, before) == ("v",)
    assert seal(both, "acme", "erp", ("v",), 1).key_id != before.key_id
    with pytest.raises(SecretUnreadable, match=before.key_id):
        open_envelope(parse_keys(key(2), "here"), before)


@pytest.mark.parametrize("text", ["", "nonsense", base64.b64encode(b"short").decode()])
def test_a_key_that_cannot_be_used_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ServiceRefused, match="openssl rand") as caught:
        parse_keys(text, "the file")
    assert not text or text not in str(caught.value)
    assert key(1) not in repr(parse_keys(key(1), "here"))


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNALBOX_SECRETS_KEY", raising=False)
    monkeypatch.delenv("SIGNALBOX_SECRETS_KEY_FILE", raising=False)
    assert keyring_of(SharedSettings()) is None
    file = tmp_path / "keys"
    file.write_text(key(1))
    assert keyring_of(SharedSettings(secrets_key_file=file)) == parse_keys(key(1), "")
    monkeypatch.setenv("SIGNALBOX_SECRETS_KEY", key(2))
    assert keyring_of(SharedSettings()) == parse_keys(key(2), "")
    monkeypatch.delenv("SIGNALBOX_SECRETS_KEY")
    with pytest.raises(ServiceRefused, match="can't be read"):
        keyring_of(SharedSettings(secrets_key_file=tmp_path / "none"))
