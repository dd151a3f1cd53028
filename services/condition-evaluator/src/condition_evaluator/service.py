"""condition-evaluator: judges each candidate workflow's conditions and starts the runs that hold."""

from collections.abc import Sequence

from condition_evaluator import metrics
from condition_evaluator.domain.judging import Judge, Judged
from condition_evaluator.domain.rate import RateMemory
from condition_evaluator.domain.versions import Versions
from condition_evaluator.settings import ConditionEvaluatorSettings
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import CrmEvent, EventJudged, RunsRequested
from signalbox_runtime.loops import internal
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.transform import Transform, run_transform
from signalbox_runtime.loops.views import TopicViews
from signalbox_runtime.process.shell import Service
from signalbox_runtime.records import Headers, Inbound, Outbox


def run(service: Service[ConditionEvaluatorSettings]) -> None:
    """Judges until the service is told to stop."""
    evaluator = Evaluator(service)
    evaluator.views.load(service.stopping)
    try:
        run_transform(service, topics=(topics.RUNS_REQUESTED,), transform=evaluator)
    finally:
        evaluator.views.close()


class Evaluator(Transform):
    """One RunsRequested in; its EventJudged and the first tokens out."""

    def __init__(self, service: Service[ConditionEvaluatorSettings]) -> None:
        self._clock = service.clock
        self._versions = Versions()
        self._cancellations = Cancellations()
        self._rate = RateMemory()
        self.views = TopicViews(
            service.kafka,
            {topics.DEFINITIONS: self._learn, topics.RUNS_CONTROL: self._cancellations.apply},
            readiness=service.readiness,
        )

    def prepare(self, batch: Sequence[Inbound]) -> None:
        self.views.catch_up()

    def handle(self, inbound: Inbound) -> Outbox:
        request = internal.read(inbound, RunsRequested)
        event = codec.decode(request.event, CrmEvent)
        lane = ids.lane(event.tenant_id, event.module, event.record_id)

        def canceled_by(run_id: str, workflow_id: str, appended_at_ms: int) -> str | None:
            return self._cancellations.canceled_by(request.tenant_id, run_id, workflow_id, appended_at_ms)

        judge = Judge(self._versions, self._rate, canceled_by)
        return _outbox(judge.judge(request, event, lane, self._clock.now_ms()), lane, internal.trace(inbound))

    def _learn(self, inbound: Inbound) -> None:
        if inbound.value is not None:
            self._versions.apply(internal.read_any(inbound))


def _outbox(judged: Judged, lane: bytes, headers: Headers) -> Outbox:
    outbox = Outbox()
    for fact in judged.facts:
        outbox.send(topics.RUNS_JOURNAL, lane, fact, headers)
        if isinstance(fact, EventJudged):
            for judgement in fact.judgements:
                metrics.JUDGEMENTS.labels(judgement.outcome).inc()
    for token in judged.tokens:
        outbox.send(topics.action_topic(token.actions[0].type), lane, token, headers)
    return outbox
