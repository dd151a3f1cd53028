"""Offsets finished beyond the committed one, as the text that is committed beside it.

Two forms, the shorter one is taken: `r` + lengths of runs (unfinished, finished, unfinished, …, from the
committed offset on; LEB128), `b` + a bitmap (bit n of byte m is the committed offset + 8m + n; set means
finished). Both are base64 without padding, so that a byte is a character. Nothing finished: "".
"""

import base64
import binascii
from collections.abc import Iterable, Sequence

from signalbox_runtime.loops.lanes.errors import UnreadableMetadata

_RUNS = "r"
_BITMAP = "b"


def payload_max_bytes(text_max_bytes: int) -> int:
    """How many bytes go into a text of that size: one character for the form, then 3 bytes in 4."""
    return (text_max_bytes - 1) * 3 // 4


def encode(base: int, finished: Sequence[range]) -> str:
    """The text for `finished`: ascending ranges of offsets that don't overlap, none below `base`."""
    if not finished:
        return ""
    runs = _encode_runs(base, finished)
    if (finished[-1].stop - base + 7) // 8 < len(runs):
        return _BITMAP + _to_text(_encode_bitmap(base, finished))
    return _RUNS + _to_text(runs)


def decode(base: int, text: str) -> tuple[range, ...]:
    """The ranges that `encode` was given, neighbours joined. Raises UnreadableMetadata."""
    if not text:
        return ()
    try:
        payload = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), validate=True)
        match text[0]:
            case "r":
                return _joined(_decode_runs(base, payload))
            case "b":
                return _joined(_decode_bitmap(base, payload))
    except (binascii.Error, ValueError):
        pass
    raise UnreadableMetadata(
        f"The metadata committed with offset {base} is not a list of finished offsets: {text[:40]!r}. "
        "Start the release that wrote it, or commit the offset again without metadata."
    )


def runs_max_bytes(unfinished_runs: int, span: int) -> int:
    """The most that run lengths can need: two per unfinished run, and a byte more for each 128 of length."""
    return 2 * unfinished_runs + span // 128


def _encode_runs(base: int, finished: Iterable[range]) -> bytes:
    encoded = bytearray()
    position = base
    for run in finished:
        for length in (run.start - position, len(run)):
            while length > 0x7F:
                encoded.append(length & 0x7F | 0x80)
                length >>= 7
            encoded.append(length)
        position = run.stop
    return bytes(encoded)


def _decode_runs(base: int, payload: bytes) -> Iterable[range]:
    position, is_finished, length, shift = base, False, 0, 0
    for byte in payload:
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            continue
        if is_finished:
            yield range(position, position + length)
        position, is_finished, length, shift = position + length, not is_finished, 0, 0
    if shift or is_finished:
        raise ValueError("the last run is cut off")


def _encode_bitmap(base: int, finished: Sequence[range]) -> bytes:
    bits = 0
    for run in finished:
        bits |= ((1 << len(run)) - 1) << (run.start - base)
    return bits.to_bytes((finished[-1].stop - base + 7) // 8, "little")


def _decode_bitmap(base: int, payload: bytes) -> Iterable[range]:
    bits = int.from_bytes(payload, "little")
    position = base
    while bits:
        unfinished = (bits & -bits).bit_length() - 1
        bits >>= unfinished
        position += unfinished
        length = (~bits & (bits + 1)).bit_length() - 1
        yield range(position, position + length)
        bits >>= length
        position += length


def _joined(runs: Iterable[range]) -> tuple[range, ...]:
    joined: list[range] = []
    for run in runs:
        if joined and joined[-1].stop == run.start:
            joined[-1] = range(joined[-1].start, run.stop)
        elif run:
            joined.append(run)
    return tuple(joined)


def _to_text(payload: bytes) -> str:
    return base64.b64encode(payload).rstrip(b"=").decode("ascii")
