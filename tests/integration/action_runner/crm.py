"""A CRM for tests: applies each command once, and answers as often and as late as it is told."""

import threading
from collections import Counter
from collections.abc import Callable

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import CrmCommand, CrmCommandResult
from tests.integration.action_runner.stage import RunnerStage

POLL_SECONDS = 0.05


class TestCrm:
    """Answers commands on a thread of its own. `applied` counts effects by command id."""

    __test__ = False

    def __init__(
        self,
        stage: RunnerStage,
        tenant_id: str,
        *,
        answers: int = 1,
        rejects: Callable[[CrmCommand], bool] = lambda _command: False,
    ) -> None:
        self._stage = stage
        self._tenant_id = tenant_id
        self._answers = answers
        self._rejects = rejects
        self._seen = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.commands: list[CrmCommand] = []
        self.applied: Counter[str] = Counter()

    def __enter__(self) -> "TestCrm":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            records = self._stage.records(topics.CRM_COMMANDS)
            for inbound in records[self._seen :]:
                command = codec.decode(inbound.value or b"", CrmCommand)
                if command.tenant_id == self._tenant_id:
                    self._answer(inbound.key or b"", command)
            self._seen = len(records)
            self._stage.flush()

    def _answer(self, key: bytes, command: CrmCommand) -> None:
        self.commands.append(command)
        is_rejected = self._rejects(command)
        if not is_rejected and command.command_id not in self.applied:
            self.applied[command.command_id] += 1
        result = CrmCommandResult(
            command_id=command.command_id,
            tenant_id=command.tenant_id,
            module=command.module,
            record_id=command.record_id,
            outcome="rejected" if is_rejected else "applied",
            reason="The stage is closed." if is_rejected else None,
            receipt=b'{"changed":true}',
            record=b'{"id":"%s","stage":"Qualified"}' % command.record_id.encode(),
            record_version=2,
            answered_at_ms=command.issued_at_ms + 1,
            reply_context=command.reply_context,
        )
        for _ in range(self._answers):
            self._stage.publish(topics.CRM_COMMAND_RESULTS, key, result)
