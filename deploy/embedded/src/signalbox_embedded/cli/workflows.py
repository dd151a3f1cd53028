"""`signalbox workflows export|plan|apply DIR`: workflows as files, one each."""

import re
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import yaml

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.endpoints import read_endpoints
from signalbox_embedded.errors import EmbeddedError

TIMEOUT_SECONDS = 600
TEMPLATES_FOLDER = "email-templates"
Command = Callable[..., None]


@click.group()
def workflows() -> None:
    """Keep workflows as YAML files: export them, see what files would change, apply them."""


def _common(command: Command) -> Command:
    for option in (
        click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)),
        click.option("--api", "url", envvar="SIGNALBOX_API", help="The API's URL, else the embedded one's."),
        click.option("--key", envvar="SIGNALBOX_API_KEY", help="The key (or SIGNALBOX_API_KEY)."),
        data_option,
    ):
        command = option(command)
    return command


@workflows.command()
@_common
def export(folder: Path, url: str | None, key: str | None, data: Path) -> None:
    """Write every workflow and mail template into DIR; exported files of what is gone are removed."""
    with _client(url, key, data) as client:
        exported = yaml.safe_load(_checked(client.get("/v1/export")).text)
    wanted: dict[Path, Any] = {}
    for entry in exported["workflows"]:
        wanted[_free(folder, entry["name"], wanted)] = entry
    for entry in exported["email_templates"]:
        wanted[_free(folder / TEMPLATES_FOLDER, entry["name"], wanted)] = entry
    for path, entry in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_as_yaml(entry), encoding="utf-8")
    for path in _files(folder):
        if path not in wanted and _is_exported(path):
            path.unlink()
    counts = len(exported["workflows"]), len(exported["email_templates"])
    print(f"{counts[0]} workflows and {counts[1]} mail templates in {folder}")


@workflows.command()
@_common
def plan(folder: Path, url: str | None, key: str | None, data: Path) -> None:
    """Show what applying DIR would change; nothing is changed."""
    _show(_send("plan", folder, url, key, data), folder)


@workflows.command()
@_common
def apply(folder: Path, url: str | None, key: str | None, data: Path) -> None:
    """Make the workflows as DIR says. What is not in DIR stays as it is. A second time changes nothing."""
    answer = _send("apply", folder, url, key, data)
    _show(answer, folder)
    if answer["changes"] and not answer["effective"]:
        print("Stored; Kafka has not confirmed all of it yet, so it takes effect a little later.")


def _send(mode: str, folder: Path, url: str | None, key: str | None, data: Path) -> dict[str, Any]:
    files = list(_files(folder))
    if not files:
        raise EmbeddedError(f"{folder} has no .yaml files; `signalbox workflows export {folder}` writes them")
    templates = [path for path in files if path.parent.name == TEMPLATES_FOLDER]
    flows = [path for path in files if path.parent.name != TEMPLATES_FOLDER]
    body = {
        "format": 1,
        "email_templates": [_read(path) for path in templates],
        "workflows": [_read(path) for path in flows],
    }
    with _client(url, key, data) as client:
        # As YAML again, so that texts like 2026-11-23 stay what the files say.
        response = client.post(
            f"/v1/import?mode={mode}",
            content=_as_yaml(body).encode(),
            headers={"Content-Type": "application/yaml"},
        )
    if response.status_code == 422:
        problem = response.json()
        for place in problem["errors"]:
            print(_with_file(place["pointer"], flows, templates), place["detail"], file=sys.stderr)
        raise EmbeddedError(problem["detail"])
    answer: dict[str, Any] = _checked(response).json()
    return answer


def _with_file(pointer: str, flows: list[Path], templates: list[Path]) -> str:
    """A place in the import as a place in a file."""
    found = re.match(r"/(workflows|email_templates)/(\d+)(.*)", pointer)
    if found is None:
        return pointer
    files = flows if found[1] == "workflows" else templates
    return f"{files[int(found[2])]}: {found[3]}"


def _show(answer: dict[str, Any], folder: Path) -> None:
    for workflow in answer["workflows"]:
        if workflow["steps"]:
            print(f"{workflow['name']} ({workflow['id'] or 'new'}): {', '.join(workflow['steps'])}")
            for warning in workflow["warnings"]:
                print(f"  ! {warning}")
            print(_indented(workflow["diff"]), end="")
    for template in answer["email_templates"]:
        if template["action"] != "none":
            print(f"mail template {template['name']}: {template['action']}")
            print(_indented(template["diff"]), end="")
    unchanged = len(answer["workflows"]) + len(answer["email_templates"]) - answer["changes"]
    word = "to change" if answer["mode"] == "plan" else "changed"
    print(f"{answer['changes']} {word}, {unchanged} as {folder} says already")


def _indented(diff: str) -> str:
    return "".join(f"    {line}\n" for line in diff.splitlines())


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for pattern in ("*.yaml", f"{TEMPLATES_FOLDER}/*.yaml"):
        yield from sorted(folder.glob(pattern))


def _is_exported(path: Path) -> bool:
    """Whether an export wrote it: a workflow with its id, or a mail template. Other YAML is none of ours."""
    try:
        entry = _read(path)
    except EmbeddedError:
        return False
    keys = {"name", "subject"} if path.parent.name == TEMPLATES_FOLDER else {"id", "trigger", "actions"}
    return isinstance(entry, dict) and keys <= entry.keys()


def _free(folder: Path, name: str, taken: dict[Path, Any]) -> Path:
    """A file name made of the entry's own, and a number where two would be the same."""
    stem = re.sub(r"[^\w]+", "-", name.lower()).strip("-")[:80] or "workflow"
    path, number = folder / f"{stem}.yaml", 2
    while path in taken:
        path, number = folder / f"{stem}-{number}.yaml", number + 1
    return path


class _Texts(yaml.SafeLoader):
    """Reads a date, `on` and `yes` as the texts that they are in a workflow, as the API does (YAML 1.2).

    What the API refuses and a reader would lose is refused here: aliases, and a key that comes twice.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "an alias (*) is used; write the value out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in reversed(node.value):
            if keys.count(key.value) > 1:
                problem = f"the key {key.value!r} comes twice; give it once"
                raise yaml.MarkedYAMLError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


_Texts.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Texts.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Texts)  # noqa: S506, a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EmbeddedError(f"{path} can't be read: {error}") from error
    except RecursionError as error:
        raise EmbeddedError(f"{path} can't be read: it is nested too deep") from error


class _Blocks(yaml.SafeDumper):
    """Long texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Blocks, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Blocks.add_representer(str, _text)


def _as_yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=100)
    return text


@contextmanager
def _client(url: str | None, key: str | None, data: Path) -> Iterator[httpx.Client]:
    if url is None or key is None:
        endpoints = read_endpoints(data.absolute() / "endpoints.json")
        url, key = url or endpoints.api, key or endpoints.api_key
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise EmbeddedError(f"{url} does not answer: {error}. Is `signalbox up` running?") from error


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError):
        detail = response.text[:500]
    raise EmbeddedError(f"{response.request.method} {response.url} answered {response.status_code}: {detail}")
