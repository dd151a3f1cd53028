"""Every example in `schemas/examples` travels: it encodes, decodes to the same value, and fits its topics."""

import json

import msgspec
import pytest

from signalbox_contracts import codec, examples, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.examples import Example
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import MESSAGES, CrmEvent, Message

ALL = examples.all_examples()


@pytest.mark.parametrize("example", ALL, ids=lambda each: each.name)
def test_an_example_comes_back_from_the_wire_as_it_was(example: Example) -> None:
    data = codec.encode(example.message)

    assert codec.decode_any(data) == example.message
    assert codec.decode(data, type(example.message)) == example.message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_every_message_has_an_example(message: type[Message]) -> None:
    assert examples.examples_of(message.__name__)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_the_examples_of_a_message_show_every_field_set_and_every_optional_one_left_out(
    message: type[Message],
) -> None:
    documents = [each.document for each in examples.examples_of(message.__name__)]
    fields = msgspec.structs.fields(message)

    assert {field.name for field in fields} == set().union(*documents)
    # An optional field that some example leaves out is decoded without it.
    for field in fields:
        if field.required:
            assert all(field.name in document for document in documents)


@pytest.mark.parametrize("example", ALL, ids=lambda each: each.name)
def test_json_inside_an_example_is_json(example: Example) -> None:
    fields = msgspec.structs.asdict(example.message)
    for name in {"record", "previous", "receipt", "parameters", "content", "definition"} & fields.keys():
        if fields[name] is not None:
            json.loads(fields[name])


@pytest.mark.parametrize("example", examples.examples_of("CrmEvent"), ids=lambda each: each.name)
def test_an_example_event_is_accepted_on_its_topic(example: Example) -> None:
    event = example.message
    assert isinstance(event, CrmEvent)
    key = lane(event.tenant_id, event.module, event.record_id)

    assert read_event(topics.crm_topic(event.module), key, codec.encode(event), ()) == event


def test_an_example_that_names_an_unknown_field_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        examples._with_bytes({"type": "record", "fields": []}, {"colour": "red"})
