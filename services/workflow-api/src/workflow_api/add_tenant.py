"""`python -m workflow_api.add_tenant NAME KEY_FILE`: makes a tenant, and its first admin key in a file.

For whoever runs the system: it needs SIGNALBOX_DATABASE_URL, and workflow-api must have started once.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.database import create_engine
from signalbox_runtime.process.settings import SharedSettings
from workflow_api.adapters.first_key import ensure_first_key
from workflow_api.settings import TENANT_PATTERN

USAGE: Final = "usage: python -m workflow_api.add_tenant NAME KEY_FILE"


async def add_tenant(database_url: str, tenant_id: str, key_file: Path) -> None:
    """Makes the tenant; a second time changes nothing."""
    engine = create_engine(database_url)
    try:
        await ensure_first_key(engine, tenant_id, key_file, None, SystemClock())
    finally:
        await engine.dispose()


def main(words: list[str]) -> int:
    """0, or 1 after a sentence that says what is wrong."""
    if len(words) != 2:
        sys.stderr.write(f"{USAGE}\n")
        return 1
    tenant_id, key_file = words
    if not re.fullmatch(TENANT_PATTERN, tenant_id):
        sys.stderr.write(f"A tenant is named in small letters, digits, - and _, not {tenant_id!r}.\n")
        return 1
    try:
        asyncio.run(add_tenant(SharedSettings().database_url, tenant_id, Path(key_file)))
    except (DBAPIError, OSError, ValueError) as error:
        sys.stderr.write(f"The tenant was not made: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
