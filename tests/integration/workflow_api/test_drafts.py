"""Drafts are kept as far as they are written, and say what is missing; publishing stays strict."""

from typing import Any

from .conftest import WORKFLOW, Api

FUTURE: dict[str, Any] = {"type": "send_pigeon", "id": "pigeon", "with": {"to": ["roof"]}}


def test_a_name_is_enough_to_begin(api: Api) -> None:
    with api.client() as client:
        made = client.post("/v1/workflows", json={"name": "Begun"})
        assert made.status_code == 201, made.text
        workflow = made.json()["id"]
        draft = client.get(f"/v1/workflows/{workflow}/draft").json()
        assert draft["draft"] == {"name": "Begun"}
        errors = {each["pointer"] for each in draft["problems"] if each["severity"] == "error"}
        assert {"/trigger", "/actions"} <= errors
        refused = client.post(f"/v1/workflows/{workflow}/publish")
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-workflow")
        assert client.get("/v1/workflows", params={"text": "Begun"}).json()["items"][0]["module"] == ""


def test_what_is_not_known_is_kept_and_told(api: Api) -> None:
    with api.client() as client:
        workflow = client.post("/v1/workflows", json=WORKFLOW).json()["id"]
        document = {**WORKFLOW, "actions": [*WORKFLOW["actions"], FUTURE], "invented": {"deep": [None, 1]}}
        kept = client.put(f"/v1/workflows/{workflow}/draft", json=document, headers={"If-Match": "*"})
        assert kept.status_code == 200, kept.text
        assert kept.json()["draft"]["actions"][-1] == FUTURE
        assert kept.json()["draft"]["invented"] == {"deep": [None, 1]}
        assert kept.json()["etag"] == kept.headers["etag"]
        pointers = [each["pointer"] for each in kept.json()["problems"]]
        assert any(pointer.startswith(f"/actions/{len(WORKFLOW['actions'])}") for pointer in pointers)


def test_a_draft_of_an_older_etag_is_refused_with_what_is_there(api: Api) -> None:
    with api.client() as client:
        made = client.post("/v1/workflows", json=WORKFLOW)
        path, etag = f"/v1/workflows/{made.json()['id']}/draft", made.headers["etag"]
        first = client.put(path, json={**WORKFLOW, "name": "First"}, headers={"If-Match": etag})
        assert first.status_code == 200
        second = client.put(path, json={**WORKFLOW, "name": "Second"}, headers={"If-Match": etag})
        assert second.status_code == 412
        assert second.json()["current"]["name"] == "First"
        assert second.json()["current_etag"] == first.json()["etag"]
        assert client.put(path, json=WORKFLOW).status_code == 428


def test_a_draft_can_be_discarded_once_there_is_a_version(api: Api) -> None:
    with api.client() as client:
        workflow = client.post("/v1/workflows", json=WORKFLOW).json()["id"]
        path = f"/v1/workflows/{workflow}/draft"
        assert client.delete(path).json()["type"] == "/problems/only-a-draft"
        assert client.post(f"/v1/workflows/{workflow}/publish").status_code == 200
        changed = client.put(path, json={**WORKFLOW, "name": "Changed"}, headers={"If-Match": "*"})
        assert changed.json()["draft"]["name"] == "Changed"
        assert client.delete(path).json()["draft"] is None
        assert client.get(f"/v1/workflows/{workflow}").json()["draft"] is None


def test_a_draft_that_says_what_the_version_says_is_none(api: Api) -> None:
    with api.client() as client:
        workflow = client.post("/v1/workflows", json=WORKFLOW).json()["id"]
        assert client.post(f"/v1/workflows/{workflow}/publish").status_code == 200
        live = client.get(f"/v1/workflows/{workflow}").json()["definition"]
        path = f"/v1/workflows/{workflow}/draft"
        assert client.put(path, json={**live, "name": "Other"}, headers={"If-Match": "*"}).json()["draft"]
        assert client.put(path, json=live, headers={"If-Match": "*"}).json()["draft"] is None
        restored = client.post(f"/v1/workflows/{workflow}/versions/1/restore")
        assert restored.json()["draft"] is None


def test_a_preview_tells_what_a_publish_would_meet(api: Api) -> None:
    with api.client() as client:
        workflow = client.post("/v1/workflows", json={"name": "Begun"}).json()["id"]
        preview = client.get(f"/v1/workflows/{workflow}/publish-preview").json()
        assert [each["severity"] for each in preview["problems"]].count("error") >= 2
        assert preview["in_flight"] == 0
        client.put(f"/v1/workflows/{workflow}/draft", json=WORKFLOW, headers={"If-Match": "*"})
        ready = client.get(f"/v1/workflows/{workflow}/publish-preview").json()
        assert [each for each in ready["problems"] if each["severity"] == "error"] == []
        assert ready["analysis"]["complete"] is True
