"""What is asked of texts and times beyond their form."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from signalbox_runtime.http.problems import Problem
from workflow_api.checking import check_document
from workflow_api.moments import Moment
from workflow_api.texts import Line

DOCUMENT: dict[str, Any] = {
    "trigger": {"module": "leads", "event": "created"},
    "actions": [{"type": "webhook", "with": {"url": "https://erp.example"}}],
}


@pytest.mark.parametrize("name", ["🚀", "مرحبا بالعالم", "\u202eright to left", "é" * 200])
def test_a_name_may_be_written_in_any_script(name: str) -> None:
    assert check_document({"name": name, **DOCUMENT}, None).definition.name == name
    assert TypeAdapter(Line).validate_python(name) == name


@pytest.mark.parametrize("name", [" ", "\n", "a\nb", "a\tb", "\x7f", "\u0085"])
def test_a_name_can_be_read_in_a_list(name: str) -> None:
    with pytest.raises(Problem) as caught:
        check_document({"name": name, **DOCUMENT}, None)
    assert [place.pointer for place in caught.value.errors] == ["/name"]
    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(name)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_utc_does_not_have_is_refused(time: str) -> None:
    with pytest.raises(ValidationError, match="1 to 9999"):
        TypeAdapter(Moment).validate_python(time)
