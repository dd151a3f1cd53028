"""`python -m run_ledger.rebuild`: the history made anew from the journal, while the ledger runs."""

import argparse
import sys

from run_ledger.adapters.rebuilding.rebuild import RebuildRefused, rebuild
from run_ledger.interpreter import favour_the_projection
from signalbox_runtime.errors import RuntimeFailure
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.process.settings import SharedSettings, kafka_options


def main(arguments: list[str]) -> int:
    """0: rebuilt and swapped; 1: refused; 2: differences found, nothing changed."""
    parser = argparse.ArgumentParser(prog="python -m run_ledger.rebuild", description=__doc__)
    parser.add_argument("--accept-differences", action="store_true", help="swap even so")
    accept = bool(parser.parse_args(arguments).accept_differences)

    def say(progress: str) -> None:
        sys.stderr.write(f"rebuild: {progress}\n")

    favour_the_projection()
    try:
        kafka = ConfluentKafka(kafka_options(), client_id="run-ledger-rebuild")
        rebuilt = rebuild(kafka, SharedSettings().database_url, say, accept_differences=accept)
    except (RebuildRefused, RuntimeFailure) as refused:
        say(str(refused))
        return 1
    for each in rebuilt.differences:
        say(
            f"{each.table}: {each.rows_in_use:,} rows in use, {each.rows_rebuilt:,} rebuilt, "
            f"{each.differing:,} of them different"
        )
    if not rebuilt.swapped:
        say("nothing was changed; --accept-differences puts the rebuilt history in place")
        return 2
    outcome = "differences accepted" if rebuilt.differences else "equal"
    say(f"done: {rebuilt.facts:,} facts replayed, {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
