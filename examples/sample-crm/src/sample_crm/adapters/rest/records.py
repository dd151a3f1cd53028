"""Create, read, change and act on the records of one module; every module gets the same calls."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Request
from sqlalchemy import select

from sample_crm.adapters.rest.calls import Caller, TheCrm, locked_record, unit_of
from sample_crm.adapters.rest.schemas import ACTION_BODIES, reference
from sample_crm.adapters.tables import RECORDS
from sample_crm.adapters.unit import new_id
from sample_crm.domain.actions import ACTIONS, ActionFunction
from sample_crm.domain.modules import MODULES, Module
from sample_crm.domain.records import change, create
from sample_crm.errors import Refused
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented, not_found

RecordId = Annotated[str, Path(max_length=200)]
Fields = Annotated[dict[str, Any], Body()]
ID_BYTES_MAX: Final = 200


def routers() -> list[APIRouter]:
    """One router for each module."""
    return [module_router(module) for module in MODULES]


def module_router(module: Module) -> APIRouter:
    """The calls of one module."""
    router = APIRouter(prefix=f"/{module.name}", tags=[module.name])
    shown = {"content": {"application/json": {"schema": reference(module.name)}}, "description": "The record"}
    bodies = _body(reference(f"{module.name}_new")), _body(reference(f"{module.name}_change"))

    async def create_record(crm: TheCrm, caller: Caller, fields: Fields) -> dict[str, Any]:
        async with unit_of(crm) as unit:
            given = dict(fields)
            record_id = _checked_id(given.pop("id", None)) or new_id(module.id_prefix)
            made = create(module, record_id, given, unit.setting.directory, unit.setting.now)
            unit.save([made], caller)
        return made.after

    async def change_record(
        crm: TheCrm, caller: Caller, record_id: RecordId, fields: Fields
    ) -> dict[str, Any]:
        async with unit_of(crm) as unit:
            record = await locked_record(unit, module, record_id)
            changed = change(module, record, fields, unit.setting.directory, unit.setting.now)
            if changed is not None:
                unit.save([changed], caller)
        return record if changed is None else changed.after

    async def read_record(crm: TheCrm, record_id: RecordId) -> dict[str, Any]:
        query = select(RECORDS.c.data).where(RECORDS.c.module == module.name, RECORDS.c.id == record_id)
        async with crm.engine.connect() as connection:
            record = (await connection.execute(query)).scalar_one_or_none()
        if record is None:
            raise not_found(module.label.lower(), record_id)
        return dict(record)

    async def list_records(
        crm: TheCrm, request: Request, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> dict[str, Any]:
        query = select(RECORDS.c.number, RECORDS.c.data).where(RECORDS.c.module == module.name)
        for name, value in request.query_params.items():
            if name in module.fields:
                query = query.where(RECORDS.c.data[name].astext == value)
        after = decode_cursor(cursor, int)
        if after is not None:
            query = query.where(RECORDS.c.number < after[0])
        async with crm.engine.connect() as connection:
            rows = (await connection.execute(query.order_by(RECORDS.c.number.desc()).limit(limit + 1))).all()
        more = len(rows) > limit
        return {
            "items": [row.data for row in rows[:limit]],
            "next": encode_cursor(rows[limit - 1].number) if more else None,
        }

    router.add_api_route(
        "",
        create_record,
        methods=["POST"],
        status_code=201,
        summary=f"Create one of the {module.name}",
        responses={201: shown},
        openapi_extra=bodies[0],
    )
    router.add_api_route(
        "",
        list_records,
        methods=["GET"],
        summary=f"The {module.name}, newest first; any field's name is a filter",
        responses={
            200: {"description": "A page", "content": {"application/json": {"schema": _page(module)}}}
        },
        openapi_extra={"parameters": [_filter(name) for name in module.fields]},
    )
    router.add_api_route(
        "/{record_id}",
        read_record,
        methods=["GET"],
        summary="Read a record",
        responses={200: shown, **documented(404)},
    )
    router.add_api_route(
        "/{record_id}",
        change_record,
        methods=["PATCH"],
        summary="Set the fields given; null empties a field",
        responses={200: shown, **documented(404, 409, 422)},
        openapi_extra=bodies[1],
    )
    for of_module, name, act in ACTIONS:
        if of_module is module:
            _add_action(router, module, name, act, shown)
    return router


def _add_action(
    router: APIRouter, module: Module, name: str, act: ActionFunction, shown: dict[str, Any]
) -> None:
    async def do(
        crm: TheCrm,
        caller: Caller,
        record_id: RecordId,
        wishes: Annotated[dict[str, Any] | None, Body()] = None,
    ) -> dict[str, Any]:
        async with unit_of(crm) as unit:
            record = await locked_record(unit, module, record_id)
            changes = act(record, wishes or {}, unit.setting)
            unit.save(changes, caller)
        return changes[-1].after

    router.add_api_route(
        f"/{{record_id}}/{name}",
        do,
        methods=["POST"],
        name=f"{module.name}_{name}",
        summary=(act.__doc__ or "").split("\n")[0],
        responses={200: shown, **documented(404, 409, 422)},
        openapi_extra=_body(ACTION_BODIES[name], required=False),
    )


def _checked_id(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given.encode()) <= ID_BYTES_MAX or not given.isprintable():
        raise Refused(
            "invalid-value", f"id must be a text of 1 to {ID_BYTES_MAX} bytes of printable characters.", "id"
        )
    return given


def _body(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _page(module: Module) -> dict[str, Any]:
    items = {"type": "array", "items": reference(module.name)}
    return {"type": "object", "properties": {"items": items, "next": {"type": ["string", "null"]}}}


def _filter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
