"""`schemas/asyncapi.yaml` says what the declarations say, and holds together."""

from typing import Any

import jsonschema
import pytest
import yaml

from signalbox_contracts import asyncapi, topics
from signalbox_contracts.schemas import all_schemas, schemas_directory

DOCUMENT = asyncapi.document()


def references(value: Any) -> list[str]:
    match value:
        case {"$ref": str(target)}:
            return [target]
        case dict():
            return [target for each in value.values() for target in references(each)]
        case list():
            return [target for each in value for target in references(each)]
        case _:
            return []


def test_the_file_is_the_one_that_is_generated_now() -> None:
    """If this fails: run `make generate`."""
    text = (schemas_directory() / "asyncapi.yaml").read_text(encoding="utf-8")

    assert text == asyncapi.render()
    assert yaml.safe_load(text) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    for target in found:
        place: Any = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            place = place[part]


def test_every_topic_and_every_version_of_every_message_is_in_it() -> None:
    assert set(DOCUMENT["channels"]) == {topic.name for topic in topics.all_topics()}
    assert {f"{each.message}.v{each.version}" for each in all_schemas()} <= set(
        DOCUMENT["components"]["messages"]
    )


def test_what_a_crm_has_to_do_is_in_its_operations() -> None:
    crm = sorted(name for name in DOCUMENT["operations"] if name.startswith("crm."))

    assert crm == [
        "crm.receive.crm.commands",
        *(
            f"crm.send.{name}"
            for name in sorted([*topics.CRM_TOPICS, topics.CRM_CATALOG, topics.CRM_COMMAND_RESULTS])
        ),
    ]


EVENT = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/crm/leads",
    "type": "crm.leads.created",
    "subject": "lead-42",
    "time": "2026-11-23T10:00:00Z",
    "tenantid": "acme",
    "data": {"record": {"id": "lead-42"}, "previous": None, "actor": "u-1", "origin": "ui"},
}


def test_the_schema_of_a_cloud_event_takes_the_example_of_the_interface_and_refuses_less() -> None:
    schema = DOCUMENT["components"]["messages"][asyncapi.STRUCTURED]["payload"]

    jsonschema.validate(EVENT, schema)
    for name in EVENT:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in EVENT.items() if key != name}, schema)
