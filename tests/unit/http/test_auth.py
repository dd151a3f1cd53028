"""Keys: who is let in, for how long, how often."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.http.auth import (
    CACHE_SECONDS,
    LAST_USED_SECONDS,
    Access,
    KeyRecord,
    Principal,
    Role,
    key_hash,
    new_key,
)
from signalbox_runtime.http.problems import Problem

RECORD = KeyRecord(Principal("id", "ci", "acme", Role.editor), None, None, 60)


class Keys:
    """A key store in memory that counts how often it is asked."""

    def __init__(self) -> None:
        self.records: dict[bytes, KeyRecord] = {}
        self.lookups = 0
        self.uses: list[datetime] = []
        self.away = False

    async def find(self, key_hash: bytes) -> KeyRecord | None:
        self.lookups += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return self.records.get(key_hash)

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        return await self.find(token_hash)

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        return None

    async def used(self, key_id: str, at: datetime) -> None:
        self.uses.append(at)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keys() -> Keys:
    keys = Keys()
    keys.records[key_hash("good")] = RECORD
    return keys


async def refused(access: Access, key: str) -> Problem:
    with pytest.raises(Problem) as caught:
        await access.authenticate(key)
    return caught.value


async def test_a_key_is_looked_up_once_in_a_while_and_its_use_noted_lazily(
    keys: Keys, clock: ManualClock
) -> None:
    access = Access(keys, clock)
    for _ in range(3):
        assert await access.authenticate("good") == RECORD.principal
    assert (keys.lookups, len(keys.uses)) == (1, 1)
    clock.advance(int(CACHE_SECONDS * 1000) + 1)
    await access.authenticate("good")
    assert (keys.lookups, len(keys.uses)) == (2, 1)
    clock.advance(int(LAST_USED_SECONDS * 1000))
    await access.authenticate("good")
    assert len(keys.uses) == 2


async def test_unknown_revoked_and_expired_keys_are_told_apart(keys: Keys, clock: ManualClock) -> None:
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    keys.records[key_hash("revoked")] = replace(RECORD, revoked_at=now)
    keys.records[key_hash("expired")] = replace(RECORD, expires_at=now)
    keys.records[key_hash("fresh")] = replace(RECORD, expires_at=now + timedelta(seconds=1))
    access = Access(keys, clock)
    for key, word in (("unknown", "No such key"), ("revoked", "revoked"), ("expired", "expired")):
        problem = await refused(access, key)
        assert problem.status == 401
        assert word in problem.detail
    assert await access.authenticate("fresh") == RECORD.principal


async def test_a_revoked_key_ends_within_the_cache_time_and_at_once_where_it_was_revoked(
    keys: Keys, clock: ManualClock
) -> None:
    here, elsewhere = Access(keys, clock), Access(keys, clock)
    for access in (here, elsewhere):
        await access.authenticate("good")
    keys.records.clear()
    here.forget()
    assert (await refused(here, "good")).status == 401
    assert await elsewhere.authenticate("good") == RECORD.principal
    clock.advance(int(CACHE_SECONDS * 1000) + 1)
    assert (await refused(elsewhere, "good")).status == 401


async def test_a_key_makes_so_many_requests_a_minute(keys: Keys, clock: ManualClock) -> None:
    access = Access(keys, clock)
    for _ in range(60):
        await access.authenticate("good")
    problem = await refused(access, "good")
    assert (problem.status, problem.headers["Retry-After"]) == (429, "1")
    clock.advance(1000)
    await access.authenticate("good")
    assert (await refused(access, "good")).status == 429


async def test_without_postgresql_the_answer_is_503(keys: Keys, clock: ManualClock) -> None:
    keys.away = True
    problem = await refused(Access(keys, clock), "good")
    assert problem.status == 503
    assert "Retry-After" in problem.headers


def test_keys_are_long_random_and_stored_as_hashes() -> None:
    first, second = new_key(), new_key()
    assert first != second
    assert len(first) > 40
    assert first.encode() not in key_hash(first)
