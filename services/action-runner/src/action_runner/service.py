"""Wires the action runner: views, clients and the lanes loop."""

import gc
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from action_runner.actions.action import Surroundings
from action_runner.adapters.http_client import HttpClient
from action_runner.adapters.resolver import Resolver, read_allow_hosts
from action_runner.adapters.smtp import SmtpSender
from action_runner.answers import AnswerDesk
from action_runner.destinations import Destinations
from action_runner.handler import Content, RunnerHandler
from action_runner.permits import Permits
from action_runner.rotation import Rotation
from action_runner.settings import ActionRunnerSettings
from action_runner.slow_renderings import SlowRenderings
from action_runner.smtp_settings import server_of_tenant
from action_runner.views import Secrets, Users, without_key
from signalbox_contracts import topics
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits
from signalbox_runtime.loops.lanes.service import run_lanes
from signalbox_runtime.loops.views import TopicViews, follow
from signalbox_runtime.process.shell import Service
from signalbox_runtime.secrets import keyring_of, opener

NAME = "action-runner"
VIEW_INTERVAL_SECONDS = 0.2
"""How long a cancelled run may go on before it is noticed here."""

GC_THRESHOLDS = (200_000, 20, 100)
"""A token in memory is some thirty objects, and thousands wait at a time: a collection that comes more often
looks at all of them and finds nothing, since hardly anything here refers to itself."""


def run(service: Service[ActionRunnerSettings]) -> None:
    """Executes actions until the service is asked to stop."""
    users = Users()
    keyring = keyring_of(service.shared)
    secrets = Secrets(opener(keyring) if keyring is not None else without_key)
    cancellations = Cancellations()
    views = TopicViews(
        service.kafka,
        {
            topics.CRM_CATALOG: users.apply,
            topics.SECRETS: secrets.apply,
            topics.RUNS_CONTROL: cancellations.apply,
        },
        service.readiness,
        service.clock,
    )
    views.load(service.stopping)
    service.start_thread("views", lambda: follow(views, service.stopping, VIEW_INTERVAL_SECONDS))
    settings = service.settings
    # What is there now stays. Collections took a tenth of the time at a tenth of these thresholds.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    run_lanes(
        service,
        topics=consumed_topics(settings),
        open_handler=handler_opener(service, users, secrets, cancellations),
        limits=LaneLimits(
            in_flight_max=settings.in_flight_max,
            destination_in_flight_max=settings.destination_in_flight_max,
            uncommitted_max=settings.uncommitted_max,
        ),
    )


def consumed_topics(settings: ActionRunnerSettings) -> tuple[str, ...]:
    """The topics of the actions to execute, and the CRM's answers."""
    return (*map(topics.action_topic, settings.action_types()), topics.CRM_COMMAND_RESULTS)


def handler_opener(
    service: Service[ActionRunnerSettings], users: Users, secrets: Secrets, cancellations: Cancellations
) -> Callable[[], AbstractAsyncContextManager[LaneHandler[Content]]]:
    """Opens the clients on the asyncio thread, and closes them there."""
    settings = service.settings
    jitter = random.Random().random  # noqa: S311, spreads retries; nothing is guessed from it

    @asynccontextmanager
    async def open_handler() -> AsyncIterator[LaneHandler[Content]]:
        resolver = Resolver(read_allow_hosts(service.shared.webhook_allow_hosts))
        http = HttpClient(resolver)
        mail = SmtpSender(resolver, settings.message_id_domain)
        rotation = Rotation(service.clock)
        slow_renderings = SlowRenderings()
        surroundings = Surroundings(
            clock=service.clock,
            http=http,
            mail=mail,
            secrets=secrets.values,
            smtp_server=server_of_tenant(settings, secrets.has, secrets.values),
            mail_from=settings.mail_from,
            message_id_domain=settings.message_id_domain,
            rotation=rotation,
        )
        try:
            yield RunnerHandler(
                surroundings,
                users=users.of,
                cancellations=cancellations,
                destinations=Destinations(jitter, settings.destination_calls_per_second),
                permits=Permits(),
                answers=AnswerDesk(service.kafka, rotation, NAME),
                slow_renderings=slow_renderings,
                jitter=jitter,
            )
        finally:
            slow_renderings.close()
            await mail.close()
            await http.close()

    return open_handler
