"""`python -m run_ledger.retention`: what would be dropped now; with --apply it is."""

import argparse
import sys
from datetime import UTC, datetime

import psycopg

from run_ledger.adapters.erasure import retention
from run_ledger.settings import RunLedgerSettings
from signalbox_runtime.clock import SystemClock
from signalbox_runtime.process.settings import SharedSettings


def main(arguments: list[str]) -> int:
    """0 when done; 1 when PostgreSQL does not answer."""
    parser = argparse.ArgumentParser(prog="python -m run_ledger.retention", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="do it")
    apply = bool(parser.parse_args(arguments).apply)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")

    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    try:
        with psycopg.connect(SharedSettings().database_url, autocommit=True) as connection:
            steps = retention.due(connection, RunLedgerSettings().ages, now)
            retention.describe(steps, say)
            if apply:
                retention.carry_out(connection, steps)
    except psycopg.OperationalError as error:
        sys.stderr.write(f"retention: PostgreSQL does not answer: {error}\n")
        return 1
    say(f"{len(steps)} partitions {'done' if apply else 'are due; --apply does it'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
