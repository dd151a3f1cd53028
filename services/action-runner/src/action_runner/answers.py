"""The CRM's answers: which of them move a run."""

from collections.abc import Mapping
from typing import assert_never

import msgspec

from action_runner import metrics
from action_runner.domain import command
from action_runner.errors import UnusableAnswer
from action_runner.outboxes import run_outbox
from action_runner.rotation import Rotation
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import ActionRequested, CrmCommandResult
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.loops.internal import trace
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.records import Inbound, Outbox, TopicPartition

REMEMBERED_MS = 600_000
"""For how long, of append time, an answer is remembered so that a repeat of it is recognised."""
ASSIGN_OWNER_TOPIC = topics.action_topic("assign_owner")


class Accepted(msgspec.Struct, frozen=True):
    """An answer with the token it brings back; `repeated` if it was given at a lower offset already."""

    result: CrmCommandResult
    token: ActionRequested
    repeated: bool


class Unusable(msgspec.Struct, frozen=True):
    """An answer that brings nothing back, and why."""

    reason: str


class AnswerDesk:
    """Judges answers, and keeps what that takes: answers seen, and turns of rotations."""

    def __init__(self, kafka: Kafka, rotation: Rotation, service: str) -> None:
        self._kafka = kafka
        self._rotation = rotation
        self._service = service
        self._seen = IdMemory(kept_ms=REMEMBERED_MS)

    def accept(self, inbound: Inbound) -> Accepted | Unusable:
        """Decodes an answer and notes it. To be called in offset order: that is what makes a repeat one."""
        try:
            result = codec.decode(inbound.value or b"", CrmCommandResult)
            token = command.carried_token(result)
            _check_key(inbound.key, token)
        except (UndecodableMessage, UnusableAnswer) as error:
            return Unusable(str(error))
        place = TopicPartition(inbound.topic, inbound.partition)
        repeated = self._seen.seen_before(place, _question(result), inbound.offset, inbound.timestamp_ms)
        return Accepted(result, token, repeated)

    def answer(self, inbound: Inbound, answer: Accepted | Unusable, now_ms: int) -> Outbox:
        """What follows an answer. One that can't be used goes to dead letters: the CRM wrote it, not we."""
        match answer:
            case Unusable(reason):
                metrics.ANSWERS.labels("unusable").inc()
                return Outbox([dead_letter(inbound, self._service, reason, now_ms)])
            case Accepted(result, token, repeated):
                answered = command.answer(token, result, inbound.timestamp_ms, now_ms, repeated=repeated)
            case _:
                assert_never(answer)
        match answered:
            case command.Late(fact):
                metrics.ANSWERS.labels(fact.why).inc()
                outbox = Outbox()
                lane = ids.lane(token.tenant_id, token.module, token.record_id)
                outbox.send(topics.RUNS_JOURNAL, lane, fact, trace(inbound))
                return outbox
            case command.Moves(step):
                metrics.ANSWERS.labels(result.outcome).inc()
                return run_outbox(token, step.facts, step.then, now_ms, trace(inbound))
            case _:
                assert_never(answered)

    def read_back(self, starts: Mapping[TopicPartition, int]) -> None:
        """Remembers what a process before this one knew of newly assigned partitions. Blocks."""
        answers = {
            place: start for place, start in starts.items() if place.topic == topics.CRM_COMMAND_RESULTS
        }
        refill(self._kafka, self._seen, answers, _identify)
        turns = [place.partition for place in starts if place.topic == ASSIGN_OWNER_TOPIC]
        if turns:
            self._rotation.read_back(self._kafka, turns)

    def note(self, inbound: Inbound) -> None:
        """Remembers an answer that was judged before, and whose record came again."""
        question = _identify(inbound)
        if question is not None:
            place = TopicPartition(inbound.topic, inbound.partition)
            self._seen.seen_before(place, question, inbound.offset, inbound.timestamp_ms)

    def forget(self, partitions: frozenset[TopicPartition]) -> None:
        """Drops what is known of partitions that went."""
        for place in partitions:
            self._seen.forget(place)


def _check_key(key: bytes | None, token: ActionRequested) -> None:
    """Raises UnusableAnswer for another key: repeats are only recognised within a partition."""
    lane = ids.lane(token.tenant_id, token.module, token.record_id)
    if key != lane:
        told = "null" if key is None else repr(key.decode("utf-8", errors="replace")[:100])
        raise UnusableAnswer(f"The key is {told}; it must be the command's, {lane.decode()!r}.")


def _question(result: CrmCommandResult) -> bytes:
    # The reply context holds the token with its seq: the same command asked again is another question.
    return result.command_id.encode() + b"\x00" + result.reply_context


def _identify(inbound: Inbound) -> bytes | None:
    try:
        return _question(codec.decode(inbound.value or b"", CrmCommandResult))
    except UndecodableMessage:
        return None
