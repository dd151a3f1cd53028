"""`python -m workflow_api.openapi FILE` writes the OpenAPI document as it is checked in."""

import json
import sys
from pathlib import Path

from workflow_api.application import describe


def openapi_text() -> str:
    """The document, as text that only changes when it does."""
    return json.dumps(describe(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
