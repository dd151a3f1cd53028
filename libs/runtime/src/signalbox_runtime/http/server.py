"""Runs an API beside the process shell: uvicorn on a thread of its own, with its background tasks."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.process.shell import Service

BACKLOG: Final = 1_024
STOP_SECONDS: Final = 10
HEARTBEAT_SECONDS: Final = 5.0

_log = structlog.get_logger("http")

ApplicationFactory = Callable[[asyncio.Event], AbstractAsyncContextManager[FastAPI]]
"""Opens what the application needs and yields it; the event is set when the service is asked to stop."""


def serve(service: Service[Any], host: str, port: int, application: ApplicationFactory) -> None:
    """Serves until the service is asked to stop. Call it as the service's main; the work runs on a thread."""
    listening = _listen(host, port)
    service.start_thread("api", lambda: uvloop.run(_serve(service, listening, application)))
    service.stopping.wait()
    service.join_threads()


async def _serve(service: Service[Any], listening: socket.socket, application: ApplicationFactory) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        if not loop.is_closed():  # it is when the failure of this very thread is what ends the service
            loop.call_soon_threadsafe(stop.set)

    service.on_stop(ask_to_stop)
    async with application(stop) as app, _heartbeat(service):
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=STOP_SECONDS,
            server_header=False,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        host, port = listening.getsockname()[:2]
        service.started()
        _log.info("listening", url=f"http://{host}:{port}")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await task
        stopped.cancel()


@asynccontextmanager
async def in_background(
    service: Service[Any], tasks: Mapping[str, Coroutine[Any, Any, None]]
) -> AsyncIterator[None]:
    """Runs `tasks` by name beside the body. One that fails ends the service; at the end all are awaited."""

    async def guarded(name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            service.failures.append(error)
            service.stop(f"{name} failed: {error}")
            raise

    running = [asyncio.create_task(guarded(name, work), name=name) for name, work in tasks.items()]
    try:
        yield
    finally:
        _, pending = await asyncio.wait(running, timeout=STOP_SECONDS)
        for task in pending:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Whether `work` came to its end before `stop` was set; else it is cancelled."""
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        working.result()
        return True
    working.cancel()
    return False


@asynccontextmanager
async def _heartbeat(service: Service[Any]) -> AsyncIterator[None]:
    heart = service.watchdog.heart("api")

    async def beat() -> None:
        while True:
            heart.beat()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        heart.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ServiceRefused(
            f"The API can't listen on {host}:{port}: {error.strerror}. Set another HTTP_PORT, or 0."
        ) from error
    listening.listen(BACKLOG)
    return listening
