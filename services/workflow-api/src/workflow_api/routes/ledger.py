"""run-ledger's routes, passed on, and its description of them."""

from typing import Final

from fastapi import APIRouter, Request, Response

router = APIRouter(include_in_schema=False)

PATHS: Final = (
    "/v1/runs",
    "/v1/runs/{rest:path}",
    "/v1/records/{rest:path}",
    "/v1/bulk-retries",
    "/v1/bulk-retries/{rest:path}",
    "/v1/stats",
    "/v1/stream",
)


async def forward(request: Request) -> Response:
    """The ledger checks the key itself."""
    answer: Response = await request.app.state.parts.ledger.forward(request)
    return answer


@router.get("/openapi/run-ledger.json")
async def describe_ledger(request: Request) -> Response:
    answer: Response = await request.app.state.parts.ledger.forward(request, b"/openapi.json")
    return answer


for _path in PATHS:
    router.add_api_route(_path, forward, methods=["GET", "POST", "PUT", "DELETE"])
