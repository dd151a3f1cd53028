"""Every error is a problem, every limit holds, and a repeated key repeats no call."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, OperationalError

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.http.application import create_app
from signalbox_runtime.http.auth import Access, Editor, KeyRecord, Principal, Role, Viewer
from signalbox_runtime.http.idempotency import Claim, Fresh, OtherRequest, Running, StoredAnswer
from signalbox_runtime.http.paging import decode_cursor, encode_cursor
from signalbox_runtime.http.problems import Problem, conflict
from signalbox_runtime.process.readiness import DATABASE_CONDITION, Readiness

BODY_BYTES_MAX = 1_000


class Thing(BaseModel):
    number: int
    size: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    parts: list[dict[str, int]] = []


router = APIRouter()
calls: list[int] = []


@router.post("/v1/things")
async def make_thing(caller: Editor, body: Thing) -> dict[str, int]:
    calls.append(body.number)
    if body.number == 0:
        raise conflict("zero", "Send another number.")
    return {"number": body.number, "calls": len(calls)}


@router.get("/v1/things/{number}")
async def read_thing(caller: Viewer, number: int) -> dict[str, str]:
    return {"tenant": caller.tenant_id}


@router.get("/v1/broken/{how}")
async def broken(how: str, request: Request) -> None:
    errors: dict[str, Exception] = {
        "defect": RuntimeError("secret detail"),
        "database": OperationalError("SELECT", {}, Exception("gone")),
        "data": DataError("SELECT", {}, Exception("too large")),
    }
    raise errors[how]


class Keys:
    async def find(self, key_hash: bytes) -> KeyRecord | None:
        return self.record

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        return await self.find(token_hash)

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        return None

    async def used(self, key_id: str, at: Any) -> None:
        return None

    record: KeyRecord | None = KeyRecord(Principal("i", "k", "acme", Role.editor), None, None, 1_000)


class Answers:
    """An idempotency store in memory."""

    def __init__(self) -> None:
        self.claims: dict[bytes, tuple[bytes, StoredAnswer | None]] = {}

    async def claim(self, key: bytes, fingerprint: bytes) -> Claim:
        if key not in self.claims:
            self.claims[key] = (fingerprint, None)
            return Fresh()
        claimed, answer = self.claims[key]
        if claimed != fingerprint:
            return OtherRequest()
        return answer or Running()

    async def remember(self, key: bytes, answer: StoredAnswer | None) -> None:
        if answer is None:
            del self.claims[key]
        else:
            self.claims[key] = (self.claims[key][0], answer)


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def app(readiness: Readiness, answers: Answers) -> FastAPI:
    calls.clear()
    return create_app(
        title="Test",
        description="",
        routers=[router],
        access=Access(Keys(), ManualClock()),
        readiness=readiness,
        idempotency=answers,
        body_bytes_max=BODY_BYTES_MAX,
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": "Bearer key"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "no-such-path"),
        ("GET", "/v1/things/", 404, "no-such-path"),
        ("PATCH", "/v1/things", 405, "method-not-allowed"),
        ("GET", "/v1/things/x", 422, "invalid-request"),
        ("GET", "/v1/broken/defect", 500, "defect"),
        ("GET", "/v1/broken/database", 503, "unavailable"),
        ("GET", "/v1/broken/data", 422, "unstorable-value"),
    ],
)
async def test_every_error_is_a_problem_that_says_what_to_do(
    client: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
    assert body["detail"]
    assert "secret detail" not in response.text


async def test_a_wrong_body_is_pointed_at(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/things", json={"number": "x"})
    assert [error["pointer"] for error in response.json()["errors"]] == ["/number"]
    unreadable = await client.post("/v1/things", content=b"{", headers={"Content-Type": "application/json"})
    assert unreadable.status_code == 422
    assert "JSON" in unreadable.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/number"}),
        ({"number": 1, "size": 0}, {"/size"}),
        ({"number": 1, "parts": [{"a/b": 1}, {"a/b": "x"}]}, {"/parts/1/a~1b"}),
        ([], {""}),
    ],
)
async def test_a_pointer_leads_to_a_place_of_the_body(
    client: httpx.AsyncClient, body: Any, pointers: set[str]
) -> None:
    errors = (await client.post("/v1/things", json=body)).json()["errors"]
    assert {error["pointer"] for error in errors} == pointers
    assert not any("nput" in error["detail"] for error in errors)


async def test_no_key_is_401_whatever_the_body(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/things", json={}, headers={"Authorization": ""})
    assert response.status_code == 401


async def test_a_body_over_the_limit_is_413_declared_or_not(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100

    declared = await client.post("/v1/things", content=b"x" * (BODY_BYTES_MAX + 1))
    undeclared = await client.post("/v1/things", content=endless())
    repeated = await client.post("/v1/things", content=endless(), headers={"Idempotency-Key": "k"})
    assert [each.status_code for each in (declared, undeclared, repeated)] == [413, 413, 413]


async def test_until_the_database_is_set_up_v1_answers_503_and_the_probes_say_why(
    client: httpx.AsyncClient, readiness: Readiness
) -> None:
    readiness.unmet(DATABASE_CONDITION, "PostgreSQL is away.")
    response = await client.get("/v1/things/1")
    assert response.status_code == 503
    assert "PostgreSQL is away." in response.json()["detail"]
    assert (await client.get("/readyz")).json()["reasons"] == {DATABASE_CONDITION: "PostgreSQL is away."}
    assert (await client.get("/healthz")).status_code == 200
    readiness.met(DATABASE_CONDITION)
    assert (await client.get("/v1/things/1")).status_code == 200


async def test_an_idempotency_key_gives_the_first_answer_again(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await client.post("/v1/things", json={"number": 7}, headers=headers)
    again = await client.post("/v1/things", json={"number": 7}, headers=headers)
    assert first.json() == again.json() == {"number": 7, "calls": 1}
    other = await client.post("/v1/things", json={"number": 8}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    elsewhere = await client.post(
        "/v1/things", json={"number": 7}, headers={**headers, "Authorization": "Bearer other"}
    )
    assert elsewhere.json()["calls"] == 2


async def test_an_answer_is_kept_so_that_only_its_caller_can_read_it(
    client: httpx.AsyncClient, answers: Answers
) -> None:
    for _ in range(2):
        answer = await client.post("/v1/things", json={"number": 7}, headers={"Idempotency-Key": "one"})
        assert answer.json()["number"] == 7
    [(_, kept)] = answers.claims.values()
    assert kept is not None
    assert b"number" not in kept.body


async def test_a_refusal_is_repeated_too_but_what_may_pass_later_is_not(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        response = await client.post("/v1/things", json={"number": 0}, headers={"Idempotency-Key": "zero"})
        assert response.status_code == 409
    assert calls == [0]
    key = {"Idempotency-Key": "late", "Authorization": ""}
    assert (await client.post("/v1/things", json={"number": 1}, headers=key)).status_code == 401
    assert (await client.post("/v1/things", json={"number": 1}, headers=key)).status_code == 401


async def test_openapi_names_the_answers_that_every_route_has(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/v1/things"]["post"]
    assert {"200", "401", "403", "409", "413", "422", "429", "503"} <= set(operation["responses"])
    assert operation["security"] == [{"HTTPBearer": ["editor"]}]


def test_a_cursor_is_read_back_and_a_strange_one_is_422() -> None:
    assert decode_cursor(encode_cursor("x", 3), str, int) == ("x", 3)
    assert decode_cursor(None, str) is None
    for strange in ("x", "!!", encode_cursor(1), encode_cursor("a", "b", "c"), encode_cursor("x", "y")):
        with pytest.raises(Problem) as caught:
            decode_cursor(strange, str, int)
        assert caught.value.status == 422
