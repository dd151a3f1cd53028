"""The embedded system: Kafka, PostgreSQL, a mailbox and every service, under one supervisor."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from signalbox_contracts.topics import EMBEDDED_LANE_PARTITIONS, all_topics
from signalbox_embedded import jars, kafka, ports, process
from signalbox_embedded.data_folder import DataFolder
from signalbox_embedded.endpoints import Endpoints, write_endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.java import java_executable
from signalbox_embedded.kafka_settings import bootstrap_of, plan_brokers, stop_timeout_seconds
from signalbox_embedded.postgres import STOP_TIMEOUT_SECONDS as POSTGRES_STOP_TIMEOUT_SECONDS
from signalbox_embedded.postgres import PostgresFolder
from signalbox_embedded.readiness import answers
from signalbox_embedded.service_kinds import (
    RUN_LEDGER,
    SAMPLE_CRM,
    WORKFLOW_API,
    ServiceKind,
    Surroundings,
    Worker,
    environment,
    plan_workers,
    ports_needed,
)
from signalbox_embedded.supervisor import Report, Service, Supervisor
from signalbox_runtime.kafka import topic_admin
from signalbox_runtime.kafka.topic_plan import SettingDiffers, is_refusal, plan


@dataclass(frozen=True, slots=True)
class Options:
    """What `signalbox up` was asked for."""

    data: Path
    brokers: int = 1
    api_port: int | None = None
    workers: Mapping[str, int] = field(default_factory=dict)


class SystemReport(Report, Protocol):
    """Told how the system fares."""

    def noticed(self, sentence: str) -> None: ...


class EmbeddedSystem:
    """Started once, in a data folder that the caller owns (`DataFolder.owned`)."""

    def __init__(self, options: Options, report: SystemReport) -> None:
        java_executable()  # before anything is started, whether there is one
        if options.api_port is not None and not ports.is_free(options.api_port):
            raise EmbeddedError(
                f"port {options.api_port} on 127.0.0.1 is in use by another program; "
                "give another one with --port"
            )
        self.folder = DataFolder(options.data)
        self._report = report
        own = ports.free_ports(2 * options.brokers + 3 + ports_needed(options.workers))
        broker_ports, own = own[: 2 * options.brokers], own[2 * options.brokers :]
        self._postgres_port, self._smtp_port, self._mailbox_port = own[:3]
        self._brokers = plan_brokers(self.folder.kafka, options.brokers, broker_ports)
        self._workers = plan_workers(options.workers, own[3:], options.api_port)
        self._postgres = PostgresFolder(self.folder.postgres)
        self._supervisor = Supervisor(report, self._publish)
        self._is_ready = False

    async def start(self) -> Endpoints:
        """Start everything in order and write `endpoints.json`.

        Raises: EmbeddedError, TopicAdminError. What was started is still to be stopped.
        """
        self.folder.endpoints.unlink(missing_ok=True)
        broker_commands, _ = await asyncio.gather(
            asyncio.to_thread(kafka.prepare, self._brokers, jars.cache_folder()),
            asyncio.to_thread(self._postgres.prepare),
        )
        await asyncio.gather(
            self._supervisor.start(self._broker_services(broker_commands), stop_in_turn=True),
            self._supervisor.start([self._postgres_service(), self._mailbox_service()]),
        )
        await asyncio.gather(
            asyncio.to_thread(self._apply_topics),
            asyncio.to_thread(self._postgres.create_database, self._postgres_port),
        )
        await self._supervisor.start(self._worker_services())
        self._is_ready = True
        return self._publish()

    async def stop(self) -> None:
        """Stop everything in the reverse order."""
        self._is_ready = False
        await self._supervisor.stop()
        self.folder.endpoints.unlink(missing_ok=True)

    def _broker_services(self, commands: tuple[process.Command, ...]) -> list[Service]:
        async def are_ready() -> bool:
            return await asyncio.to_thread(kafka.is_ready, self._brokers)

        return [
            Service(
                "kafka",
                broker.number - 1,
                replace(command, log=self.folder.logs / f"kafka-{broker.number - 1}.log"),
                are_ready,
                stop_timeout_seconds=stop_timeout_seconds(broker, self._brokers),
            )
            for broker, command in zip(self._brokers, commands, strict=True)
        ]

    def _postgres_service(self) -> Service:
        async def is_ready() -> bool:
            return await asyncio.to_thread(self._postgres.is_ready, self._postgres_port)

        command = replace(
            self._postgres.command(self._postgres_port), log=self.folder.logs / "postgres-0.log"
        )
        return Service("postgres", 0, command, is_ready, stop_timeout_seconds=POSTGRES_STOP_TIMEOUT_SECONDS)

    def _mailbox_service(self) -> Service:
        program = (
            sys.executable, "-m", "signalbox_embedded.mailbox",
            str(self.folder.mailbox), str(self._smtp_port), str(self._mailbox_port),
        )  # fmt: skip
        command = process.Command(program, self.folder.logs / "mailbox-0.log")
        return Service("mailbox", 0, command, answers(f"http://127.0.0.1:{self._mailbox_port}/readyz"))

    def _worker_services(self) -> list[Service]:
        surroundings = Surroundings(
            kafka=bootstrap_of(self._brokers),
            database_url=self._postgres.url(self._postgres_port),
            secrets_key_file=str(self.folder.secrets_key),
            api_key_file=str(self.folder.api_key),
            smtp_port=self._smtp_port,
            ledger_url=self._first(RUN_LEDGER).http_url,
            log_level=os.environ.get("SIGNALBOX_LOG_LEVEL", "info"),
        )
        return [
            Service(
                worker.kind.name,
                worker.slot,
                process.Command(
                    worker.program,
                    self.folder.logs / f"{worker.kind.name}-{worker.slot}.log",
                    environment(worker, surroundings),
                ),
                answers(worker.ready_url),
                stop_timeout_seconds=worker.kind.stop_timeout_seconds,
            )
            for worker in self._workers
        ]

    def _apply_topics(self) -> None:
        options = {"bootstrap.servers": bootstrap_of(self._brokers)}
        steps = plan(all_topics(), topic_admin.look(options, all_topics()), EMBEDDED_LANE_PARTITIONS)
        refusals = [str(step) for step in steps if is_refusal(step)]
        if refusals:
            raise EmbeddedError("; ".join(refusals))
        topic_admin.apply(options, steps)
        for step in steps:
            if isinstance(step, SettingDiffers):
                self._report.noticed(str(step))

    def _publish(self) -> Endpoints:
        """The endpoints as they are now, written to their file once the system is ready."""
        api = self._first(WORKFLOW_API).http_url
        endpoints = Endpoints(
            kafka=bootstrap_of(self._brokers),
            postgres=self._postgres.url(self._postgres_port),
            api=api,
            console=api,
            sample_crm=self._first(SAMPLE_CRM).http_url,
            smtp=f"127.0.0.1:{self._smtp_port}",
            mailbox=f"http://127.0.0.1:{self._mailbox_port}",
            api_key=self.folder.api_key.read_text(encoding="utf-8"),
            metrics={_metrics_name(worker): worker.metrics_url for worker in self._workers},
            pids=self._supervisor.pids(),
        )
        if self._is_ready:
            try:
                write_endpoints(self.folder.endpoints, endpoints)
            except OSError as error:
                self._report.noticed(f"could not write {self.folder.endpoints}: {error.strerror or error}")
        return endpoints

    def _first(self, kind: ServiceKind) -> Worker:
        return next(worker for worker in self._workers if worker.kind == kind)


def _metrics_name(worker: Worker) -> str:
    """A service's name for its first process; the others carry their slot."""
    return worker.kind.name if worker.slot == 0 else f"{worker.kind.name}-{worker.slot}"
