"""trigger-router: each CRM event, to the workflows it triggers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.modules.registry import EVENTS, MODULES_BY_NAME
from signalbox_rules.record_context import NOT_PUBLISHED
from signalbox_rules.triggers import TriggerIndex
from signalbox_runtime.loops import internal
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.loops.transform import Transform, run_transform
from signalbox_runtime.loops.views import TopicViews
from signalbox_runtime.process.shell import Service
from signalbox_runtime.records import Inbound, Outbox, TopicPartition
from trigger_router import metrics
from trigger_router.domain.headers import announced, identity
from trigger_router.domain.listeners import Listeners
from trigger_router.domain.routing import request_runs
from trigger_router.settings import TriggerRouterSettings


def run(service: Service[TriggerRouterSettings]) -> None:
    """Routes until the service is told to stop."""
    router = Router(service)
    router.views.load(service.stopping)
    try:
        run_transform(service, topics=topics.CRM_TOPICS, transform=router)
    finally:
        router.views.close()


class Router(Transform):
    """One event in; a dead letter, one RunsRequested, or nothing out."""

    def __init__(self, service: Service[TriggerRouterSettings]) -> None:
        self._service = service
        self._listeners = Listeners()
        self._memory = IdMemory(service.settings.remembered_events)
        self.views = TopicViews(service.kafka, {topics.DEFINITIONS: self._learn}, readiness=service.readiness)

    def assigned(self, begins: Mapping[TopicPartition, int]) -> None:
        refill(self._service.kafka, self._memory, begins, identify)

    def prepare(self, batch: Sequence[Inbound]) -> None:
        self.views.catch_up()

    def handle(self, inbound: Inbound) -> Outbox:
        index = self._listeners.at(inbound.timestamp_ms)
        unheard = _unheard(inbound, index)
        if unheard is not None:
            self._is_repeat(inbound, unheard)  # remembered, though nobody listens
            metrics.EVENTS.labels("unheard").inc()
            return Outbox()
        try:
            event = _event_of(inbound)
        except InvalidEvent as error:
            metrics.EVENTS.labels("dead_letter").inc()
            now_ms = self._service.clock.now_ms()
            return Outbox([dead_letter(inbound, self._service.name, str(error), now_ms)])
        return self._route(inbound, event, index)

    def _route(self, inbound: Inbound, event: CrmEvent, index: TriggerIndex) -> Outbox:
        outbox = Outbox()
        if self._is_repeat(inbound, identity(event.tenant_id, event.event_id)):
            metrics.EVENTS.labels("duplicate").inc()
            return outbox
        matching = index.match(event.tenant_id, event.module, event.event, lambda: _records(event))
        if not matching:
            metrics.EVENTS.labels("unmatched").inc()
            return outbox
        metrics.EVENTS.labels("requested").inc()
        metrics.CANDIDATES.inc(len(matching))
        value = inbound.value or b""
        event_bytes = value if codec.is_single_object(value) else codec.encode(event)
        request = request_runs(event, event_bytes, inbound.timestamp_ms, matching)
        outbox.send(topics.RUNS_REQUESTED, inbound.key or b"", request, internal.trace(inbound))
        return outbox

    def _is_repeat(self, inbound: Inbound, event_identity: bytes) -> bool:
        place = TopicPartition(inbound.topic, inbound.partition)
        return self._memory.seen_before(place, event_identity, inbound.offset)

    def _learn(self, inbound: Inbound) -> None:
        if inbound.value is not None:
            self._listeners.apply(internal.read_any(inbound), inbound.timestamp_ms)


def _unheard(inbound: Inbound, index: TriggerIndex) -> bytes | None:
    """The identity of an event whose headers alone tell that no workflow listens to it."""
    module = inbound.topic.removeprefix("crm.")
    said = announced(module, inbound.headers)
    if said is None or (module, said.event) not in EVENTS:
        return None
    if index.listens(said.tenant_id, module, said.event):
        return None
    return identity(said.tenant_id, said.event_id)


def identify(inbound: Inbound) -> bytes | None:
    """What a repeat of this event would be recognised by; None for what went to the dead letters.

    Its headers alone would not do: an event that was mended and sent again from there has the same id.
    """
    try:
        event = _event_of(inbound)
    except InvalidEvent:
        return None
    return identity(event.tenant_id, event.event_id)


def _event_of(inbound: Inbound) -> CrmEvent:
    event = read_event(inbound.topic, inbound.key, inbound.value, inbound.headers)
    if (event.module, event.event) not in EVENTS:
        known = ", ".join(known.name for known in MODULES_BY_NAME[event.module].events)
        raise InvalidEvent(f"The module {event.module} has no event {event.event!r}; it has {known}.")
    return event


def _records(event: CrmEvent) -> tuple[Any, Any]:
    previous = NOT_PUBLISHED if event.previous is None else msgspec.json.decode(event.previous)
    return msgspec.json.decode(event.record), previous
