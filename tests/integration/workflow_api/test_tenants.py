"""A tenant made beside the first one."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import Api


def add_tenant(api: Api, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "workflow_api.add_tenant", *words),
        env={**os.environ, "SIGNALBOX_DATABASE_URL": api.database_url},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_tenant_is_made_with_a_key_of_its_own_and_only_once(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "key"
    for _ in range(2):
        done = add_tenant(api, "acme", str(file))
        assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with api.client(file.read_text().strip()) as client:
        assert client.get("/v1/workflows").json()["items"] == []
        assert [key["role"] for key in client.get("/v1/api-keys").json()["items"]] == ["admin"]
    refused = add_tenant(api, "A/B", str(file))
    assert refused.returncode == 1
    assert "small letters" in refused.stderr
