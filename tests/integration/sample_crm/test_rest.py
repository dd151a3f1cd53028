"""The REST interface: what is read back, and what callers are told when something is wrong."""

from typing import Any

import msgspec
import pytest

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import CrmCatalog
from tests.integration.sample_crm.crm import CrmProcess, Tap


def test_lists_are_pages_newest_first_and_filtered_by_any_field(crm: CrmProcess) -> None:
    made = [crm.call("POST", "/contacts", {"name": f"C{n}", "title": "paged"})["id"] for n in range(5)]

    first = crm.call("GET", "/contacts", title="paged", limit=2)
    second = crm.call("GET", "/contacts", title="paged", limit=2, cursor=first["next"])
    third = crm.call("GET", "/contacts", title="paged", limit=2, cursor=second["next"])
    assert [each["id"] for each in (*first["items"], *second["items"], *third["items"])] == made[::-1]
    assert third["next"] is None
    assert [each["id"] for each in crm.call("GET", "/contacts", name="C3")["items"]] == [made[3]]


def test_a_record_may_bring_its_own_id_once(crm: CrmProcess) -> None:
    assert crm.call("POST", "/accounts", {"id": "acme", "name": "Acme"})["id"] == "acme"
    again = crm.http.post("/accounts", json={"id": "acme", "name": "Other"})
    assert again.status_code == 409
    assert again.json()["type"].endswith("/id-taken")
    assert crm.call("GET", "/accounts/acme")["name"] == "Acme"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("GET", "/leads/none", None, 404, "not-found"),
        ("PATCH", "/leads/none", {"name": "x"}, 404, "not-found"),
        ("POST", "/leads/none/convert", {}, 404, "not-found"),
        ("POST", "/leads", {}, 422, "invalid-value"),
        ("POST", "/leads", {"name": "x", "colour": "red"}, 422, "unknown-field"),
        ("POST", "/leads", {"name": "x", "status": "Converted"}, 422, "read-only-field"),
        ("POST", "/leads", {"name": "a\0b"}, 422, "invalid-value"),
        ("POST", "/leads", {"name": "x", "id": 7}, 422, "invalid-value"),
        ("POST", "/leads", {"name": "x", "owner": "u-9"}, 422, "unknown-user"),
        ("POST", "/leads", [], 422, "invalid-request"),
        ("GET", "/leads?cursor=nonsense", None, 422, "invalid-cursor"),
        ("GET", "/unicorns", None, 404, "no-such-path"),
        ("PUT", "/users/u-9", {"id": "u-8", "name": "x", "email": "x@y.example"}, 422, "other-id"),
        ("PUT", "/pipelines/contacts", {"stages": [{"name": "New"}]}, 404, "not-found"),
        ("PUT", "/pipelines/leads", {"stages": []}, 422, "invalid-request"),
        ("PUT", "/behaviour", {"answer": 2}, 422, "invalid-request"),
        ("POST", "/notifications/none/read", None, 404, "not-found"),
    ],
)
def test_what_is_wrong_is_a_problem_with_a_stable_type(
    crm: CrmProcess, method: str, path: str, body: Any, status: int, slug: str
) -> None:
    answer = crm.http.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(f"/{slug}")


def test_what_is_wrong_with_the_state_of_a_record_is_a_conflict(crm: CrmProcess) -> None:
    lead = crm.call("POST", "/leads", {"name": "x"})["id"]
    crm.call("POST", f"/leads/{lead}/disqualify")

    for path in ("convert", "disqualify"):
        answer = crm.http.post(f"/leads/{lead}/{path}")
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "wrong-status")
    moved = crm.http.patch(f"/leads/{lead}", json={"stage": "Qualified"})
    assert (moved.status_code, moved.json()["type"].rsplit("/")[-1]) == (409, "closed-record")


def test_the_openapi_document_describes_every_field_and_action(crm: CrmProcess) -> None:
    document = crm.call("GET", "/openapi.json")

    assert {
        "/leads/{record_id}/convert",
        "/opportunities/{record_id}/close",
        "/tasks/{record_id}/complete",
    } <= set(document["paths"])
    body = document["components"]["schemas"]["leads_new"]
    assert body["required"] == ["name"]
    assert body["properties"]["source"]["enum"][0] == "Web Form"
    assert "status" not in body["properties"]


def test_users_and_pipelines_are_published_on_the_catalog(crm: CrmProcess, kafka_bootstrap: str) -> None:
    tap = Tap(kafka_bootstrap, [topics.CRM_CATALOG])
    stages = crm.call("GET", "/pipelines")["leads"]["stages"]
    crm.call("PUT", "/users/u-7", {"id": "u-7", "name": "Hedy", "email": "hedy@crm.example"})
    crm.call("PUT", "/pipelines/leads", {"stages": [*stages, {"name": "Ripe"}]})

    newest: dict[str, CrmCatalog] = {each.kind: each for each in tap.contents(CrmCatalog, 14)}
    tap.close()
    users = msgspec.json.decode(newest["users"].content)
    assert {"id": "u-7", "name": "Hedy", "email": "hedy@crm.example"} in users
    assert msgspec.json.decode(newest["leads"].content)["stages"][-1] == "Ripe"
    assert all(codec.encode(each) for each in newest.values())


def test_a_stage_in_use_stays(crm: CrmProcess) -> None:
    crm.call("POST", "/leads", {"name": "x", "stage": "Nurturing"})
    answer = crm.http.put("/pipelines/leads", json={"stages": [{"name": "New"}]})

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/stage-in-use")
