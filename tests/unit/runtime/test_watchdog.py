"""The watchdog ends a process whose loop stands still, and nobody else's."""

import subprocess
import sys

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.process.watchdog import EXIT_STALLED, Heart, Watchdog


def watchdog(clock: ManualClock) -> tuple[Watchdog, list[Heart]]:
    stalled: list[Heart] = []
    return Watchdog(clock, stalled.append), stalled


def look_for(watched: Watchdog, clock: ManualClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1_000)
        watched.look()


def test_a_loop_that_beats_is_left_alone() -> None:
    clock = ManualClock()
    watched, stalled = watchdog(clock)
    heart = watched.heart("loop", limit_seconds=10)
    for _ in range(30):
        look_for(watched, clock, 1)
        heart.beat()
    assert stalled == []


def test_a_loop_that_stands_still_is_found_after_its_limit() -> None:
    clock = ManualClock()
    watched, stalled = watchdog(clock)
    still, beating = watched.heart("still", limit_seconds=10), watched.heart("beating", limit_seconds=10)
    look_for(watched, clock, 10)
    assert stalled == []
    beating.beat()
    look_for(watched, clock, 1)
    assert stalled == [still]


def test_a_loop_that_ended_is_not_missed() -> None:
    clock = ManualClock()
    watched, stalled = watchdog(clock)
    watched.heart("loop", limit_seconds=10).stop()
    look_for(watched, clock, 30)
    assert stalled == []


def test_a_process_that_was_stopped_as_a_whole_gets_a_new_limit() -> None:
    clock = ManualClock()
    watched, stalled = watchdog(clock)
    watched.heart("loop", limit_seconds=10)
    clock.advance(3_600_000)
    watched.look()
    assert stalled == []
    look_for(watched, clock, 11)
    assert [heart.name for heart in stalled] == ["loop"]


def test_the_process_ends_with_its_own_exit_code_and_says_where_it_stood() -> None:
    script = (
        "import time\n"
        "from signalbox_runtime.clock import SystemClock\n"
        "from signalbox_runtime.process.watchdog import Watchdog\n"
        "watchdog = Watchdog(SystemClock())\n"
        "watchdog.heart('the stuck loop', limit_seconds=0.1)\n"
        "watchdog.start()\n"
        "time.sleep(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=25)
    assert done.returncode == EXIT_STALLED
    assert "'the stuck loop' stands still" in done.stderr
    assert "line 7 in <module>" in done.stderr
