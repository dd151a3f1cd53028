"""The runner's side of the lanes loop: decode, render, call, and write down what follows."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias, assert_never

import msgspec
import structlog

from action_runner import metrics
from action_runner.actions.action import CallAction, CommandAction, Job, PreparedCall, Surroundings
from action_runner.actions.registry import ACTIONS_BY_TYPE
from action_runner.answers import Accepted, AnswerDesk, Unusable
from action_runner.destinations import Destinations
from action_runner.domain import advance, command, rendering
from action_runner.domain.advance import Attempt, Step, Waits
from action_runner.domain.outcome import Failure, Outcome, Permanent, Postponed
from action_runner.domain.retry import LANE_STAY_MAX_MS
from action_runner.errors import ActionRunnerError, UnfitToken
from action_runner.lane_sleep import LaneSleep
from action_runner.outboxes import run_outbox
from action_runner.permits import Permits
from action_runner.slow_renderings import SlowRenderings
from signalbox_contracts import ids, topics
from signalbox_contracts.messages import ActionRequested, RunFact
from signalbox_rules.actions.action import Preview
from signalbox_rules.record_catalog import User
from signalbox_rules.template_limits import RenderBudget
from signalbox_runtime import fault
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.loops.internal import read, trace
from signalbox_runtime.loops.lanes.handler import Work
from signalbox_runtime.loops.lanes.schedule import NO_DESTINATION
from signalbox_runtime.process import logs
from signalbox_runtime.records import Inbound, Outbox, TopicPartition

SERVICE = "action-runner"
BREAKAGES_MAX = 10
"""Unexpected failures of our own code in a row; then it is the code, not the tokens."""
INLINE_RENDER_SECONDS = 0.005
"""What one token's texts may take of the event loop's thread; a long mail with a table takes less."""
NEXT_ATTEMPT = "The next attempt is waited for."
log = structlog.get_logger()


class ToCall(msgspec.Struct, frozen=True):
    """A token with a call to make."""

    token: ActionRequested
    call: PreparedCall


class ToCommand(msgspec.Struct, frozen=True):
    """A token with a command for the CRM."""

    token: ActionRequested
    action: CommandAction
    job: Job


class ToRefuse(msgspec.Struct, frozen=True):
    """A token whose action can never be sent."""

    token: ActionRequested
    failure: Failure


class ToBury(msgspec.Struct, frozen=True):
    """A token that reads but can't be executed at all."""

    token: ActionRequested
    failure: Failure


class ToRender(msgspec.Struct, frozen=True):
    """A token whose texts take longer than the event loop may stand still."""

    token: ActionRequested


class ToCancel(msgspec.Struct, frozen=True):
    """A token of a run that somebody canceled before it came."""

    token: ActionRequested
    canceled_by: str


class ToAnswer(msgspec.Struct, frozen=True):
    """The CRM's word on a command."""

    answer: Accepted | Unusable


Prepared: TypeAlias = ToCall | ToCommand | ToRefuse | ToBury
Content: TypeAlias = ToCall | ToCommand | ToRefuse | ToBury | ToRender | ToCancel | ToAnswer


class RunnerHandler:
    """Executes actions. Everything here runs on the asyncio thread."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        users: Callable[[str], Mapping[str, User]],
        cancellations: Cancellations,
        destinations: Destinations,
        permits: Permits,
        answers: AnswerDesk,
        slow_renderings: SlowRenderings,
        jitter: Callable[[], float],
    ) -> None:
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._users = users
        self._cancellations = cancellations
        self._destinations = destinations
        self._permits = permits
        self._answers = answers
        self._jitter = jitter
        self._lane_sleep = LaneSleep()
        self._slow_renderings = slow_renderings
        self._preparing = asyncio.Lock()
        self._breakages = 0

    # --- LaneHandler ------------------------------------------------------------------------------

    def tenant_of(self, inbound: Inbound) -> str | None:
        """See LaneHandler. Answers are remembered in the order of their offsets, so none of them waits."""
        if inbound.topic == topics.CRM_COMMAND_RESULTS or inbound.key is None:
            return None
        return inbound.key.partition(b"/")[0].decode(errors="replace")

    def accept(self, inbound: Inbound) -> Work[Content]:
        """See LaneHandler. Raises UndecodableInternalMessage for a token that no release of ours wrote."""
        if inbound.topic == topics.CRM_COMMAND_RESULTS:
            answer = self._answers.accept(inbound)
            tenant_id = answer.token.tenant_id if isinstance(answer, Accepted) else ""
            return Work(inbound, tenant_id, NO_DESTINATION, ToAnswer(answer))
        token = read(inbound, ActionRequested)
        canceled_by = self._canceled_by(token)
        if canceled_by is not None:
            return Work(inbound, token.tenant_id, NO_DESTINATION, ToCancel(token, canceled_by))
        budget = RenderBudget(time.thread_time, INLINE_RENDER_SECONDS)
        content = self._prepare(token, inbound, budget)
        if budget.out_of_time:
            return Work(inbound, token.tenant_id, f"rendering for {token.tenant_id}", ToRender(token))
        destination = content.call.destination if isinstance(content, ToCall) else NO_DESTINATION
        return Work(inbound, token.tenant_id, destination, content)

    def execute(self, work: Work[Content]) -> Outbox | Coroutine[Any, Any, Outbox]:
        """See LaneHandler."""
        match work.content:
            case ToAnswer(answer):
                return self._answers.answer(work.inbound, answer, self._clock.now_ms())
            case ToBury(token, failure):
                return self._bury(work.inbound, token, failure)
            case ToCancel(token, canceled_by):
                return self._cancel(work.inbound, token, canceled_by)
            case ToRender(token):
                return self._render_and_act(work.inbound, token)
            case ToRefuse() | ToCommand() | ToCall() as content:
                return self._act_unless_canceled(work.inbound, content)
            case _:
                assert_never(work.content)

    def overflow(self, work: Work[Content], wait_ms: int) -> Outbox:
        """See LaneHandler: a wait with the reason for it."""
        content = work.content
        assert isinstance(content, ToCall | ToRender)
        token = content.token
        now_ms = self._clock.now_ms()
        reason = f"{work.destination} does not answer, and more calls wait for it than can be held"
        metrics.OVERFLOWED.labels(token.actions[0].type).inc()
        step = advance.leave_lane(token, now_ms, now_ms + wait_ms, reason)
        return self._write(work.inbound, token, step.facts, step)

    def skipped(self, inbound: Inbound) -> None:
        """See LaneHandler."""
        if inbound.topic == topics.CRM_COMMAND_RESULTS:
            self._answers.note(inbound)

    async def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        """See LaneHandler."""
        self._lane_sleep.given(starts)
        # One after the other: a partition may go and come back while its past is still being read, and the
        # reading that began first must not end last and forget what was noted since.
        async with self._preparing:
            await asyncio.to_thread(self._answers.read_back, starts)

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        """See LaneHandler."""
        self._answers.forget(partitions)
        self._lane_sleep.wake(partitions)

    # --- from token to content --------------------------------------------------------------------

    def _prepare(self, token: ActionRequested, inbound: Inbound, budget: RenderBudget) -> Prepared:
        try:
            content = self._prepare_known(token, inbound.topic, budget)
        except Exception as error:  # noqa: BLE001, what breaks our code must not stop every other run
            return ToBury(token, self._breakage(inbound, token, error))
        self._breakages = 0
        return content

    def _breakage(self, inbound: Inbound, token: ActionRequested, error: Exception) -> Failure:
        """A token that our own code breaks on. Many in a row are a bad deployment: then the process stops."""
        self._breakages += 1
        if self._breakages > BREAKAGES_MAX:
            raise error
        with logs.about(inbound), logs.bound(token.tenant_id, token.run_id, token.event_id):
            log.error("a token broke the runner", exc_info=error)
        return Failure(UnfitToken.failure_type, f"The runner broke on it: {type(error).__name__}: {error}")

    def _prepare_known(self, token: ActionRequested, topic: str, budget: RenderBudget) -> Prepared:
        try:
            preview = rendering.render(token, self._users(token.tenant_id), budget)
        except UnfitToken as error:
            return ToBury(token, Failure(error.failure_type, str(error)))
        return self._prepare_rendered(token, topic, preview)

    def _prepare_rendered(self, token: ActionRequested, topic: str, preview: Preview) -> Prepared:
        action = token.actions[0]
        executor = ACTIONS_BY_TYPE.get(action.type)
        if executor is None or topics.action_topic(action.type) != topic:
            return ToBury(
                token,
                Failure(UnfitToken.failure_type, f"No {action.type!r} action can be executed from {topic}."),
            )
        if preview.problems:
            told = "; ".join(f"{problem.pointer} {problem.detail}" for problem in preview.problems[:5])
            return ToRefuse(token, Failure("parameters", told))
        job = Job(token, preview.parameters, advance.effect_key(token), preview.warnings)
        match executor:
            case CommandAction():
                return ToCommand(token, executor, job)
            case CallAction():
                try:
                    return ToCall(token, executor.prepare(job, self._surroundings))
                except ActionRunnerError as error:
                    return ToRefuse(token, Failure(error.failure_type, str(error)))
            case _:
                assert_never(executor)

    # --- what is done -----------------------------------------------------------------------------

    async def _render_and_act(self, inbound: Inbound, token: ActionRequested) -> Outbox:
        """The long way from token to outbox: nobody else waits for it."""
        canceled_by = self._canceled_by(token)
        if canceled_by is not None:
            return self._cancel(inbound, token, canceled_by)
        try:
            preview = await self._slow_renderings.render(token, self._users(token.tenant_id))
            content = self._prepare_rendered(token, inbound.topic, preview)
        except UnfitToken as error:
            return self._bury(inbound, token, Failure(error.failure_type, str(error)))
        except Exception as error:  # noqa: BLE001, see _prepare
            return self._bury(inbound, token, self._breakage(inbound, token, error))
        if isinstance(content, ToBury):
            return self._bury(inbound, token, content.failure)
        outcome = self._act_unless_canceled(inbound, content)
        return outcome if isinstance(outcome, Outbox) else await outcome

    def _act_unless_canceled(
        self, inbound: Inbound, content: ToRefuse | ToCommand | ToCall
    ) -> Outbox | Coroutine[Any, Any, Outbox]:
        canceled_by = self._canceled_by(content.token)
        if canceled_by is not None:
            return self._cancel(inbound, content.token, canceled_by)
        return self._act(inbound, content)

    def _cancel(self, inbound: Inbound, token: ActionRequested, canceled_by: str) -> Outbox:
        step = advance.cancel(token, self._clock.now_ms(), canceled_by)
        return self._write(inbound, token, step.facts, step)

    def _act(
        self, inbound: Inbound, content: ToRefuse | ToCommand | ToCall
    ) -> Outbox | Coroutine[Any, Any, Outbox]:
        match content:
            case ToRefuse(token, failure):
                return self._refuse(inbound, token, Permanent(failure))
            case ToCommand(token, action, job):
                return self._command(inbound, token, action, job)
            case ToCall(token, call):
                if token.actions[0].on_unknown == "hold":
                    return self._held_call(inbound, token, call)
                return self._call(inbound, token, call)
            case _:
                assert_never(content)

    def _refuse(self, inbound: Inbound, token: ActionRequested, permanent: Permanent) -> Outbox:
        now_ms = self._clock.now_ms()
        step = advance.after_attempt(token, Attempt(now_ms, now_ms), permanent, 0.0)
        metrics.attempt_took(token.actions[0].type, permanent, 0.0)
        return self._write(inbound, token, step.facts, step)

    def _command(self, inbound: Inbound, token: ActionRequested, action: CommandAction, job: Job) -> Outbox:
        try:
            content = action.content(job, self._surroundings)
        except ActionRunnerError as error:
            return self._refuse(inbound, token, Permanent(Failure(error.failure_type, str(error))))
        fault.at("runner.before_call")
        issued = command.issue(token, msgspec.json.encode(content.parameters), self._clock.now_ms())
        match issued:
            case Permanent():
                return self._refuse(inbound, token, issued)
            case command.Issued(step, message):
                metrics.command_sent(action.type)
                outbox = self._write(inbound, token, step.facts, step)
                lane = ids.lane(token.tenant_id, token.module, token.record_id)
                outbox.send(topics.CRM_COMMANDS, lane, message, (*trace(inbound), *content.headers))
                return outbox
            case _:
                assert_never(issued)

    def _held_call(
        self, inbound: Inbound, token: ActionRequested, call: PreparedCall
    ) -> Outbox | Coroutine[Any, Any, Outbox]:
        """A call that must not be repeated by accident: announced and committed first, then made once."""
        now_ms = self._clock.now_ms()
        if token.permit is None:
            step = advance.ask_permit(token, now_ms, self._permits.issue(now_ms))
        elif self._permits.use(token.permit):
            return self._call(inbound, token, call)
        else:
            metrics.HOLDS.labels(token.actions[0].type).inc()
            step = advance.hold(
                token, now_ms, "The call was begun, and who began it did not note how it ended."
            )
        return self._write(inbound, token, step.facts, step)

    async def _call(self, inbound: Inbound, token: ActionRequested, call: PreparedCall) -> Outbox:
        """Attempts until the run moves on or the wait gets too long for its lane."""
        facts: list[RunFact] = []
        entered_ms = self._clock.now_ms()
        while True:
            try:
                step = await self._attempt(token, call)
            except Exception as error:  # noqa: BLE001, see _prepare
                return self._bury(inbound, token, self._breakage(inbound, token, error), facts)
            facts.extend(step.facts)
            if not isinstance(step.then, Waits):
                return self._write(inbound, token, facts, step)
            token, at_ms = step.then.token, step.then.at_ms
            now_ms = self._clock.now_ms()
            if at_ms - entered_ms > LANE_STAY_MAX_MS or not await self._sleep(inbound, at_ms - now_ms):
                left = advance.leave_lane(token, self._clock.now_ms(), at_ms, NEXT_ATTEMPT)
                return self._write(inbound, token, (*facts, *left.facts), left)
            canceled_by = self._canceled_by(token)
            if canceled_by is not None:
                canceled = advance.cancel(token, self._clock.now_ms(), canceled_by)
                return self._write(inbound, token, (*facts, *canceled.facts), canceled)

    async def _sleep(self, inbound: Inbound, wait_ms: int) -> bool:
        with metrics.LANE_SLEEPS.track_inprogress():
            place = TopicPartition(inbound.topic, inbound.partition)
            return await self._lane_sleep.sleep(place, max(0, wait_ms) / 1000)

    async def _attempt(self, token: ActionRequested, call: PreparedCall) -> Step:
        action = token.actions[0]
        started_ms = self._clock.now_ms()
        outcome = await self._make(token, call, action.timeout_ms / 1000)
        attempt = Attempt(started_ms, self._clock.now_ms())
        return advance.after_attempt(token, attempt, outcome, self._jitter())

    async def _make(self, token: ActionRequested, call: PreparedCall, timeout_seconds: float) -> Outcome:
        asked = self._destinations.ask(token.tenant_id, call.destination, self._clock.now_ms())
        if isinstance(asked, Postponed):
            metrics.attempt_took(token.actions[0].type, asked, 0.0)
            return asked
        if asked.wait_ms:
            await asyncio.sleep(asked.wait_ms / 1000)
        fault.at("runner.before_call")
        begun = self._clock.monotonic_seconds()
        outcome = await call.make(timeout_seconds)
        metrics.attempt_took(token.actions[0].type, outcome, self._clock.monotonic_seconds() - begun)
        fault.at("runner.after_call")
        self._destinations.tell(token.tenant_id, call.destination, outcome, self._clock.now_ms())
        return outcome

    def _bury(
        self, inbound: Inbound, token: ActionRequested, failure: Failure, facts: Sequence[RunFact] = ()
    ) -> Outbox:
        now_ms = self._clock.now_ms()
        step = advance.dead_letter(token, now_ms, inbound.place, failure)
        outbox = self._write(inbound, token, (*facts, *step.facts), step)
        outbox.records.append(dead_letter(inbound, SERVICE, failure.detail, now_ms))
        return outbox

    # --- shared -----------------------------------------------------------------------------------

    def _canceled_by(self, token: ActionRequested) -> str | None:
        return self._cancellations.canceled_by(
            token.tenant_id, token.run_id, token.workflow_id, token.run_started_at_ms
        )

    def _write(
        self,
        inbound: Inbound,
        token: ActionRequested,
        facts: Sequence[RunFact],
        step: Step,
    ) -> Outbox:
        return run_outbox(token, facts, step.then, self._clock.now_ms(), trace(inbound))
