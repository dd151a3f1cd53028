"""delay-relay: Kafka as the timer. It keeps nothing: what waits, waits on its topic."""

from collections.abc import Sequence
from typing import assert_never

from delay_relay import metrics
from delay_relay.domain.release import Deliver, Forward, Wait, release
from delay_relay.settings import DelayRelaySettings
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import ActionRequested, Delayed
from signalbox_runtime.loops import internal
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.holds import Hold
from signalbox_runtime.loops.transform import Transform, run_transform
from signalbox_runtime.loops.views import TopicViews
from signalbox_runtime.process.shell import Service
from signalbox_runtime.records import Inbound, Outbound, Outbox


def run(service: Service[DelayRelaySettings]) -> None:
    """Relays until the service is told to stop."""
    relay = Relay(service)
    relay.views.load(service.stopping)
    try:
        run_transform(service, topics=tuple(topics.DELAY_BUCKETS_MS), transform=relay, pauses=True)
    finally:
        relay.views.close()


class Relay(Transform):
    """One waiting message in; out on its topic or the next bucket, when its time has come."""

    def __init__(self, service: Service[DelayRelaySettings]) -> None:
        self._clock = service.clock
        self._cancellations = Cancellations()
        self.views = TopicViews(
            service.kafka, {topics.RUNS_CONTROL: self._cancellations.apply}, readiness=service.readiness
        )

    def prepare(self, batch: Sequence[Inbound]) -> None:
        self.views.catch_up()

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        delayed = internal.read(inbound, Delayed)
        now_ms = self._clock.now_ms()
        canceled = bool(self._cancellations) and self._is_canceled(delayed)
        match release(inbound.topic, inbound.timestamp_ms, delayed, now_ms, canceled=canceled):
            case Wait(until_ms=until_ms):
                return Hold(until_ms)
            case Forward(bucket=bucket):
                metrics.FORWARDED.inc()
                return Outbox([Outbound(bucket, inbound.key, inbound.value, inbound.headers)])
            case Deliver(topic=topic, lateness_ms=lateness_ms):
                metrics.LATENESS.observe(lateness_ms / 1000)
                headers = tuple(delayed.headers.items())
                return Outbox([Outbound(topic, inbound.key, delayed.payload, headers)])
            case decision:
                assert_never(decision)

    def _is_canceled(self, delayed: Delayed) -> bool:
        message = codec.decode_any(delayed.payload)
        if not isinstance(message, ActionRequested):
            return False
        started_at_ms = message.run_started_at_ms
        canceled_by = self._cancellations.canceled_by(
            message.tenant_id, message.run_id, message.workflow_id, started_at_ms
        )
        return canceled_by is not None
