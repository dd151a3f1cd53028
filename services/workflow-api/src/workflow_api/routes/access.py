"""How routes reach the parts of the application."""

from typing import Annotated, Any

from fastapi import Depends, Request


async def _parts(request: Request) -> Any:  # async, or FastAPI hands the call to a thread
    return request.app.state.parts


Using = Annotated[Any, Depends(_parts)]
"""`workflow_api.application.Parts`; that module imports the routes, so its name can't be used here."""
