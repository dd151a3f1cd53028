"""What is passed on to the ledger arrives as it was sent."""

import httpx
import pytest
from fastapi import FastAPI

from workflow_api.adapters.ledger_proxy import LedgerProxy
from workflow_api.routes import ledger


class Parts:
    def __init__(self, proxy: LedgerProxy) -> None:
        self.ledger = proxy


async def arrives(target: str) -> str:
    """What the ledger is asked for when the API is asked for `target`."""
    arrived: list[bytes] = []

    async def run_ledger(request: httpx.Request) -> httpx.Response:
        arrived.append(request.url.raw_path)
        headers = {"Date": "Mon, 23 Nov 2026 10:00:00 GMT", "ETag": '"1"'}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"{}"))

    app = FastAPI()
    app.include_router(ledger.router)
    app.state.parts = Parts(LedgerProxy("http://ledger", httpx.MockTransport(run_ledger)))
    url = httpx.URL("http://api").copy_with(raw_path=target.encode())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        response = await client.get(url)
    assert response.status_code == 200
    assert "date" not in response.headers, "the server writes it"
    assert response.headers["etag"] == '"1"'
    return arrived[0].decode()


@pytest.mark.parametrize(
    "target",
    [
        "/v1/records/leads/lead%2F1%20%3F%23%2541%C3%A4/timeline?limit=1",
        "/v1/runs/%00",
        "/v1/runs?text=a%20b%26c&status=failed&status=waiting",
        "/v1/runs",
    ],
)
async def test_a_path_and_a_query_arrive_as_they_were_written(target: str) -> None:
    assert await arrives(target) == target


async def test_the_ledgers_description_is_found_beside_the_apis() -> None:
    assert await arrives("/openapi/run-ledger.json") == "/openapi.json"
