"""`make bench`, or a part of it: `make bench ONLY=rules`.

Each part is a module with `run()`, which gives its results as [{name, value, unit, runs}]. They go to
`bench/results/latest.json`, beside those of parts that were not run this time.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

PARTS = ("rules", "loops", "lanes", "runner", "delays", "ledger", "api", "system")
LATEST = Path(__file__).parent / "results" / "latest.json"


def main() -> int:
    """Runs the parts asked for, one after the other, and prints a line for each figure."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    parts: list[str] = parser.parse_args().only or list(PARTS)
    kept = {result["name"]: result for result in _earlier()}
    for part in parts:
        print(f"# {part}", flush=True)
        for result in importlib.import_module(f"bench.{part}").run():
            kept[result["name"]] = {**result, "commit": _commit()}
            print(f"{result['name']:44} {result['value']:>14,.2f} {result['unit']}", flush=True)
    LATEST.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": _machine(), "commit": _commit(), "results": sorted(kept.values(), key=_name)}
    LATEST.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {LATEST}")
    return 0


def _earlier() -> list[dict[str, Any]]:
    return list(json.loads(LATEST.read_text())["results"]) if LATEST.exists() else []


def _name(result: dict[str, Any]) -> str:
    return str(result["name"])


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
