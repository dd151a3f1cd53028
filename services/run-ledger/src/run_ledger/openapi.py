"""The OpenAPI document as it is checked in."""

import json

from run_ledger.routes.api import describe


def openapi_text() -> str:
    """The document, as text that only changes when it does."""
    return json.dumps(describe(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
