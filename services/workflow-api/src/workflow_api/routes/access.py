"""How routes reach the parts of the application."""

from typing import Annotated, Any

from fastapi import Depends, Request


def _parts(request: Request) -> Any:
    return request.app.state.parts


Using = Annotated[Any, Depends(_parts)]
"""`workflow_api.application.Parts`; that module imports the routes, so its name can't be used here."""
