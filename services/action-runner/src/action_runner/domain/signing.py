"""Standard Webhooks 1.0 (specification of 2023, section "Signature scheme"), symmetric signatures `v1`."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def secret_bytes(secret: str) -> bytes:
    """The key of a secret: base64 after `whsec_`, else the text itself, as the specification's libraries
    do.
    """
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def signature_header(webhook_id: str, timestamp_seconds: int, body: bytes, secrets: Sequence[str]) -> str:
    """`webhook-signature`: one `v1,<base64>` per secret, the newest first, so that receivers can rotate."""
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp_seconds, body)
    signatures = (hmac.digest(secret_bytes(secret), content, hashlib.sha256) for secret in secrets)
    return " ".join("v1," + base64.b64encode(signature).decode() for signature in signatures)
