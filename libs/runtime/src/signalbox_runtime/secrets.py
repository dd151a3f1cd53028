"""Secrets at rest: AES-256-GCM envelopes, as topic `workflows.secrets` and the API's table hold them.

The plaintext is a JSON list of texts, newest first: while a secret is being changed at both ends, its former
value may stay beside the new one. The nonce is 96 random bits; the associated data are `tenant/name`, so an
envelope can't be passed off as another's (NIST SP 800-38D). `key_id` is the beginning of the key's SHA-256.

A key file holds one key a line, 32 bytes in base64, the first of which seals; the others still open what
they sealed, so keys are changed by putting a new line on top and storing each secret again.
"""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signalbox_contracts.messages import SecretEnvelope
from signalbox_runtime.errors import RuntimeFailure, ServiceRefused
from signalbox_runtime.process.settings import SharedSettings

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_DIGITS: Final = 16


class SecretUnreadable(RuntimeFailure):
    """An envelope that none of our keys opens; the message names the secret, never its content."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id; `sealing` is the one that new envelopes are made with."""

    sealing: str
    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Keyring(sealing={self.sealing!r}, keys={sorted(self.keys)})"


def keyring_of(settings: SharedSettings) -> Keyring | None:
    """The keys of SIGNALBOX_SECRETS_KEY or SIGNALBOX_SECRETS_KEY_FILE; None where neither is set.

    Raises ServiceRefused for a file or key that can't be used.
    """
    if settings.secrets_key is not None:
        return parse_keys(settings.secrets_key.get_secret_value(), "SIGNALBOX_SECRETS_KEY")
    if settings.secrets_key_file is None:
        return None
    try:
        text = settings.secrets_key_file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceRefused(f"SIGNALBOX_SECRETS_KEY_FILE can't be read: {error}") from error
    return parse_keys(text, str(settings.secrets_key_file))


def parse_keys(text: str, where: str) -> Keyring:
    """The keys in `text`, one a line. Raises ServiceRefused; the message never shows a key."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        try:
            key = base64.b64decode(line, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ServiceRefused(
                f"{where}: key {number} is not {KEY_BYTES} bytes in base64; "
                "`openssl rand -base64 32` makes one."
            )
        keys[key_id(key)] = key
    if not keys:
        raise ServiceRefused(f"{where} holds no key; make one with `openssl rand -base64 32`.")
    return Keyring(next(iter(keys)), keys)


def key_id(key: bytes) -> str:
    """How an envelope names the key that sealed it: 16 hex digits."""
    return hashlib.sha256(key).hexdigest()[:KEY_ID_DIGITS]


def seal(
    keyring: Keyring, tenant_id: str, name: str, values: Sequence[str], changed_at_ms: int
) -> SecretEnvelope:
    """An envelope with `values`, newest first, under a fresh nonce."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    plaintext = json.dumps(list(values)).encode()
    ciphertext = AESGCM(keyring.keys[keyring.sealing]).encrypt(nonce, plaintext, _associated(tenant_id, name))
    return SecretEnvelope(
        tenant_id=tenant_id,
        name=name,
        key_id=keyring.sealing,
        nonce=nonce,
        ciphertext=ciphertext,
        changed_at_ms=changed_at_ms,
    )


def open_envelope(keyring: Keyring, envelope: SecretEnvelope) -> tuple[str, ...]:
    """The values of a secret, newest first. Raises SecretUnreadable."""
    key = keyring.keys.get(envelope.key_id)
    if key is None:
        raise SecretUnreadable(
            f"Secret {envelope.name!r} was sealed with key {envelope.key_id}, which this process lacks: "
            "add that key to its key file, or store the secret again."
        )
    try:
        plaintext = AESGCM(key).decrypt(
            envelope.nonce, envelope.ciphertext, _associated(envelope.tenant_id, envelope.name)
        )
    except InvalidTag as error:
        raise SecretUnreadable(
            f"Secret {envelope.name!r} does not open: its envelope was altered, or belongs to another name. "
            "Store the secret again."
        ) from error
    return tuple(json.loads(plaintext))


def opener(keyring: Keyring) -> Callable[[SecretEnvelope], tuple[str, ...]]:
    """`open_envelope` with the keys put in."""
    return lambda envelope: open_envelope(keyring, envelope)


def _associated(tenant_id: str, name: str) -> bytes:
    return f"{tenant_id}/{name}".encode()
