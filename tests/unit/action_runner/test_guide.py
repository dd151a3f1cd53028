"""The guide's own code verifies what the runner signs."""

import re
from pathlib import Path
from typing import Any

import pytest

from action_runner.domain.signing import secret_bytes, signature_header

GUIDE = Path(__file__).parents[3] / "docs/guides/receiving-webhooks.md"


@pytest.mark.parametrize(
    ("now_seconds", "body", "is_ours"), [(1_000, b"{}", True), (1_000, b"{ }", False), (1_301, b"{}", False)]
)
def test_the_guides_code_tells_our_calls_from_others(now_seconds: int, body: bytes, is_ours: bool) -> None:
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    namespace: dict[str, Any] = {}
    exec(code[1], namespace)
    headers = {
        "webhook-id": "a1",
        "webhook-timestamp": "1000",
        "webhook-signature": signature_header("a1", 1_000, b"{}", ["whsec_bmV3", "old"]),
    }
    for secret in ("whsec_bmV3", "old"):
        assert namespace["is_from_signalbox"](headers, body, secret_bytes(secret), now_seconds) == is_ours
    assert not namespace["is_from_signalbox"](headers, body, b"wrong", now_seconds)
