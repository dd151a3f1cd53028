"""What is generated from code and checked in is what the code says now."""

from collections.abc import Callable

import pytest

from schemas.generate import DOCUMENTS, ROOT


@pytest.mark.parametrize(("path", "text"), DOCUMENTS, ids=[path for path, _ in DOCUMENTS])
def test_a_generated_document_has_not_drifted(path: str, text: Callable[[], str]) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == text(), "run `make generate`"
