"""Kafka's jars: which ones (`kafka.lock`: coordinate, bytes, SHA-256), where they are kept, fetching them."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

from platformdirs import user_cache_path

from signalbox_embedded.errors import EmbeddedError, JarRefusedError


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar; `coordinate` is group:artifact:version."""

    coordinate: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


class FetchReport(Protocol):
    """Told how a download goes on."""

    def begin(self, jars: tuple[Jar, ...], size_bytes: int, folder: Path) -> None: ...
    def advance(self, jar: Jar, received_bytes: int) -> None: ...
    def end(self) -> None: ...


def cache_folder() -> Path:
    """Where downloads are kept between checkouts: `SIGNALBOX_CACHE_DIR`, else the user's cache folder."""
    given = os.environ.get("SIGNALBOX_CACHE_DIR")
    return Path(given).absolute() if given else user_cache_path("signalbox", appauthor=False)


def locked() -> tuple[Jar, ...]:
    """The jars of the lock, in its order."""
    text = resources.files("signalbox_embedded").joinpath("kafka.lock").read_text(encoding="utf-8")
    return tuple(
        Jar(coordinate, int(size), sha256)
        for coordinate, size, sha256 in (line.split() for line in text.splitlines() if line)
    )


def _folder(cache: Path) -> Path:
    return cache / "jars"


def missing(jars: tuple[Jar, ...], cache: Path) -> tuple[Jar, ...]:
    """The jars that are not in the cache yet."""
    return tuple(jar for jar in jars if not (_folder(cache) / jar.file_name).is_file())


def fetch(jars: tuple[Jar, ...], cache: Path, report: FetchReport | None = None) -> None:
    """Download what is missing; a file enters the cache only once its hash agrees.

    Raises: JarRefusedError for a wrong hash, EmbeddedError where the download or the cache folder fails.
    """
    wanted = missing(jars, cache)
    if not wanted:
        return
    if report:
        report.begin(wanted, sum(jar.size_bytes for jar in wanted), _folder(cache))
    try:
        _folder(cache).mkdir(parents=True, exist_ok=True)
        # Each fetch has a staging folder of its own on the same file system, so that two at once never see
        # each other's half-written files and the final rename is atomic.
        with tempfile.TemporaryDirectory(dir=_folder(cache), prefix=".fetching-") as staging:
            for jar in wanted:
                path = _resolve(jar, Path(staging), report)
                _check(jar, path)
                path.replace(_folder(cache) / jar.file_name)
    except OSError as error:
        raise _unusable_cache(cache, error) from error
    finally:
        if report:
            report.end()


def classpath(jars: tuple[Jar, ...], cache: Path) -> str:
    """Java's class path of the cached jars, every one checked against the lock.

    Raises: JarRefusedError for a changed file, EmbeddedError for a missing one.
    """
    absent = missing(jars, cache)
    if absent:
        raise EmbeddedError(
            f"{len(absent)} of Kafka's {len(jars)} jars are not in {_folder(cache)}; run: signalbox fetch"
        )
    paths = [_folder(cache) / jar.file_name for jar in jars]
    for jar, path in zip(jars, paths, strict=True):
        _check(jar, path)
    return os.pathsep.join(map(str, paths))


def _check(jar: Jar, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise JarRefusedError(
            f"refused {jar.coordinate}: {path} has SHA-256 {found} where the lock says {jar.sha256}; "
            "it was changed or damaged on its way. Delete it and run: signalbox fetch"
        )


def _resolve(jar: Jar, staging: Path, report: FetchReport | None) -> Path:
    # Imported here: it takes a third of a second that a start with everything in the cache need not spend.
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def progress(_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        yield lambda received: report.advance(jar, received) if report else None

    observed: Callable[[str, int], AbstractContextManager[Callable[[int], None]]] = progress
    group, artifact, version = jar.coordinate.split(":")
    context = MavenContext(
        resolver=PythonResolver(progress_callback=observed), repo_cache=staging, timeout=60
    )
    try:
        # Each jar at its locked coordinate: a resolution over several roots mixes versions.
        return Path(context.project(group, artifact).at_version(version).artifact().resolve())
    except (RuntimeError, OSError) as error:
        raise EmbeddedError(f"could not download {jar.coordinate}: {error}") from error


def _unusable_cache(cache: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"can't use the download cache {cache}: {error.strerror or error}; "
        "set SIGNALBOX_CACHE_DIR to a folder that you may write to"
    )
