"""Records the journal of a running system: `python -m tests.journals.record KAFKA FILE`.

`demo.jsonl` is what `signalbox demo` wrote, and what came of some more leads: run it without `--exit`, post
leads to its CRM, then record from the `kafka` address in its `endpoints.json`. Record it anew when facts get
fields that a replay should see.
"""

import sys
from pathlib import Path

from signalbox_contracts import topics
from signalbox_runtime.kafka.clients import ConfluentKafka
from tests.journals import recorded
from tests.journals.recorded import Recorded

READ_SECONDS = 1.0


def main(bootstrap: str, path: Path) -> int:
    """Reads each partition to the end that it has now."""
    kafka = ConfluentKafka({"bootstrap.servers": bootstrap}, client_id="record-journal")
    partitions = kafka.offsets().partitions([topics.RUNS_JOURNAL])
    begins = kafka.offsets().begin_offsets(partitions)
    ends = kafka.offsets().end_offsets(partitions)
    reader = kafka.reader(begins)
    journal: list[Recorded] = []
    while any(reader.position(place) < end for place, end in ends.items()):
        for inbound in reader.read(1_000, READ_SECONDS):
            assert inbound.value is not None
            journal.append(Recorded(inbound.partition, (inbound.key or b"").decode(), inbound.value))
    reader.close()
    recorded.write(path, journal)
    print(f"{len(journal)} facts written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
