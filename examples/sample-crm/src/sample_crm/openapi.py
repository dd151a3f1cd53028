"""`python -m sample_crm.openapi FILE` writes the OpenAPI document as it is checked in."""

import json
import sys
from pathlib import Path

from sample_crm.service import rest_application
from signalbox_runtime.process.readiness import Readiness


def openapi_text() -> str:
    """The document, as text that only changes when it does."""
    document = rest_application(None, Readiness()).openapi()
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
