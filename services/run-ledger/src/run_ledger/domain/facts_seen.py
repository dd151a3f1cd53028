"""Which facts of a run have been counted: 12 bytes each, its number and 8 bytes of its hash, by number.

>>> two = merged(seen_of({1: b"a" * 8}), seen_of({2: b"b" * 8}))
>>> sorted(numbers(two))
[1, 2]
"""

import hashlib
from collections.abc import Mapping

ENTRY_BYTES = 12
DIGEST_BYTES = 8
NOTHING = b""


def digest(data: bytes) -> bytes:
    """8 bytes of hash of a fact as it lies on the journal."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def seen_of(digests: Mapping[int, bytes]) -> bytes:
    """The facts counted, given the hash of each by its number."""
    return b"".join(seq.to_bytes(4, "big") + digests[seq] for seq in sorted(digests))


def numbers(seen: bytes) -> dict[int, bytes]:
    """The hash of each fact counted, by its number."""
    return {
        int.from_bytes(seen[at : at + 4], "big"): seen[at + 4 : at + ENTRY_BYTES]
        for at in range(0, len(seen), ENTRY_BYTES)
    }


def merged(one: bytes, other: bytes) -> bytes:
    """Both together; where both have a number, the first counts."""
    return seen_of({**numbers(other), **numbers(one)})
