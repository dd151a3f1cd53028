"""Renders what takes longer than the event loop may stand still, in a process beside the runner.

A thread would not do: whoever computes in one makes each system call of the loop's thread wait for the
interpreter. Tenants take turns, so that one tenant's long texts delay another's by one text at most.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final
from weakref import WeakValueDictionary

from action_runner.domain import rendering
from signalbox_contracts.messages import ActionRequested
from signalbox_rules.actions.action import Preview
from signalbox_rules.record_catalog import User
from signalbox_rules.template_limits import RenderBudget

NICENESS: Final = 10
"""Added to the process's own, so that what is quick comes first on a busy machine."""


class SlowRenderings:
    """One process, started when the first text needs it."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def render(self, token: ActionRequested, users: Mapping[str, User]) -> Preview:
        """What `rendering.render` gives, with the whole budget of an action.

        Raises UnfitToken as it does, and BrokenProcessPool where the process ended (the next one is new).
        """
        turn = self._turns.setdefault(token.tenant_id, asyncio.Lock())
        async with turn:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin)
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, _render, token, dict(users)
                )
            except BrokenProcessPool:
                self.close()
                raise

    def close(self) -> None:
        """Ends the process; a text that is being rendered is not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _begin() -> None:
    os.nice(NICENESS)


def _render(token: ActionRequested, users: dict[str, User]) -> Preview:
    return rendering.render(token, users, RenderBudget(time.process_time))
