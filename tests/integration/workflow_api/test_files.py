"""Export, plan and apply, over HTTP and by the command line."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from signalbox_embedded.cli.main import signalbox

from .conftest import Api


@pytest.fixture
def editor(api: Api) -> str:
    return api.add_key("files", "editor")


def signalbox_says(api: Api, key: str, *words: str) -> str:
    result = CliRunner().invoke(signalbox, ["workflows", *words, "--api", api.url, "--key", key])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def test_workflows_travel_as_files_and_a_second_apply_changes_nothing(
    api: Api, editor: str, document: dict[str, Any], tmp_path: Path
) -> None:
    with api.client(editor) as client:
        template = {"name": "Hello", "subject": "Hello", "text": "one\ntwo\n"}
        assert client.post("/v1/email-templates", json=template).status_code == 201
        made = client.post("/v1/workflows", json={**document, "name": "Grüße 🦊"}).json()
        client.post(f"/v1/workflows/{made['id']}/activate")
        client.post("/v1/workflows", json={**document, "name": "Only a draft"})
        folder = str(tmp_path)
        assert "2 workflows" in signalbox_says(api, editor, "export", folder)
        written = {path.name: path.read_text() for path in tmp_path.rglob("*.yaml")}
        assert sorted(written) == ["grüße.yaml", "hello.yaml", "only-a-draft.yaml"]
        assert "0 to change" in signalbox_says(api, editor, "plan", folder)

        grown = yaml.safe_load(written["grüße.yaml"])
        grown["description"] = "Now from a file"
        (tmp_path / "grüße.yaml").write_text(yaml.safe_dump(grown, allow_unicode=True))
        fresh = {**document, "name": "Fresh", "status": "active"}
        (tmp_path / "fresh.yaml").write_text(yaml.safe_dump(fresh))
        planned = signalbox_says(api, editor, "plan", folder)
        assert "+description: Now from a file" in planned
        assert "Fresh (new): create, publish, activate" in planned
        assert len(client.get("/v1/workflows").json()["items"]) == 2

        assert "2 changed" in signalbox_says(api, editor, "apply", folder)
        after = client.get(f"/v1/workflows/{made['id']}").json()
        assert (after["description"], after["version"], after["status"]) == ("Now from a file", 2, "active")
        assert "0 changed" in signalbox_says(api, editor, "apply", folder)
        assert len(client.get("/v1/workflows").json()["items"]) == 3


def test_an_export_removes_only_what_exports_wrote(
    api: Api, document: dict[str, Any], tmp_path: Path
) -> None:
    key = api.add_key("others-files", "editor")
    others = {"compose.yaml": "services: {}\n", "mine.yaml": yaml.safe_dump(document), "no.yaml": "a: [\n"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    with api.client(key) as client:
        made = client.post("/v1/workflows", json={**document, "name": "Soon gone"}).json()
        signalbox_says(api, key, "export", str(tmp_path))
        assert {path.name for path in tmp_path.iterdir()} == {*others, "soon-gone.yaml"}
        assert client.delete(f"/v1/workflows/{made['id']}").is_success
    signalbox_says(api, key, "export", str(tmp_path))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == others


def test_a_wrong_file_stops_the_import_before_anything_changes(
    api: Api, document: dict[str, Any], tmp_path: Path
) -> None:
    key = api.add_key("wrong-files", "editor")
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(document))
    document["actions"][1]["with"]["url"] = "ftp://x"
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**document, "name": "Wrong"}))
    result = CliRunner().invoke(
        signalbox, ["workflows", "apply", str(tmp_path), "--api", api.url, "--key", key]
    )
    assert result.exit_code != 0
    assert "wrong.yaml: /actions/1/with/url" in result.output
    with api.client(key) as client:
        assert client.get("/v1/workflows").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        ("a: &x [*x]", "application/yaml", 400),
        ("workflows: [{name: x}]", "application/yaml", 422),
        ("workflows: [{name: x, status: on}]", "application/yaml", 422),
        ("{}", "text/plain", 415),
        ("trigger: {}", "application/yaml", 422),
        ('{"workflows": [{"id": "../x"}]}', "application/json", 422),
        ("[]", "application/json", 422),
    ],
)
def test_what_is_no_import_is_refused(client: httpx.Client, content: str, type_: str, status: int) -> None:
    response = client.post("/v1/import?mode=plan", content=content, headers={"Content-Type": type_})
    assert response.status_code == status, response.text
    assert response.json()["detail"]


def test_a_body_over_the_limit_is_413(client: httpx.Client) -> None:
    assert client.post("/v1/workflows", content=b" " * 1_100_000).status_code == 413
    assert client.post("/v1/import?mode=plan", content=b" " * 9_000_000).status_code == 413
