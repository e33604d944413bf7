"""The group-committing writer: durable, fair to neighbours, honest when it cannot write."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from handoff import tables
from handoff.engines import Trouble, classify
from handoff.errors import Conflict, Unavailable
from handoff.writer import Database

META = tables.meta


def put(key: str, value: str = "x") -> Callable[[Connection], str]:
    """A unit that stores one row and gives its key back."""

    def unit(conn: Connection) -> str:
        conn.execute(META.insert().values(key=key, value=value))
        return key

    return unit


def keys(conn: Connection) -> set[str]:
    return set(conn.execute(select(META.c.key)).scalars())


class Gate:
    """Holds the writer thread inside a unit, so that the test can pile up work behind it."""

    def __init__(self, database: Database) -> None:
        self._open = threading.Event()
        self._inside = threading.Event()
        self._database = database

    def __call__(self, conn: Connection) -> None:
        """The unit."""
        self._inside.set()
        assert self._open.wait(10)

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._database.write(self))
        assert await asyncio.to_thread(self._inside.wait, 10)

    async def __aexit__(self, *_: object) -> None:
        self._open.set()
        await self._task


async def pile_up(database: Database, *units: Callable[[Connection], object]) -> list[object]:
    """Run the units in one batch, in this order; exceptions are results."""
    async with Gate(database):
        tasks = [asyncio.ensure_future(database.write(unit)) for unit in units]
        await asyncio.sleep(0)
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_many_callers_share_a_commit(database: Database) -> None:
    before = database.stats().batches
    results = await pile_up(database, *(put(f"k{number}") for number in range(100)))
    assert results == [f"k{number}" for number in range(100)]
    assert database.stats().batches - before == 2, "the gate's, and one for the hundred"
    assert len(database.read_now(keys) - {"epoch"}) == 100


async def test_a_bad_unit_harms_no_neighbour(database: Database) -> None:
    def explodes(conn: Connection) -> None:
        put("torn")(conn)
        raise RuntimeError("a bug")

    results = await pile_up(database, put("one"), explodes, put("two"), explodes, put("three"))
    assert [type(result) for result in results] == [str, RuntimeError, str, RuntimeError, str]
    assert database.read_now(keys) >= {"one", "two", "three"}
    assert "torn" not in database.read_now(keys)


async def test_a_refusal_after_writing_is_undone(database: Database) -> None:
    def writes_then_refuses(conn: Connection) -> None:
        put("half")(conn)
        raise Conflict("too_late", "晚了", "too late")

    def refuses(conn: Connection) -> None:
        raise Conflict("no", "不", "no")

    results = await pile_up(database, put("one"), refuses, writes_then_refuses, put("two"))
    assert [type(result) for result in results] == [str, Conflict, Conflict, str]
    assert "half" not in database.read_now(keys)
    assert database.read_now(keys) >= {"one", "two"}


async def test_a_broken_statement_harms_no_neighbour(database: Database) -> None:
    results = await pile_up(database, put("one"), put("one"), put("two"))
    assert [isinstance(result, Exception) for result in results] == [False, True, False]
    assert database.read_now(keys) >= {"one", "two"}


async def test_units_run_in_the_order_they_came(database: Database) -> None:
    seen: list[int] = []

    def unit(number: int) -> Callable[[Connection], None]:
        return lambda conn: seen.append(number)

    await pile_up(database, *(unit(number) for number in range(50)))
    assert seen == list(range(50))


async def test_a_full_queue_is_refused_with_a_time_to_retry(sqlite_url: str) -> None:
    database = Database(sqlite_url, backlog=3)
    async with Gate(database):
        waiting = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="busy") as refused:
            await database.write(put("too many"))
        assert refused.value.retry_ms
    assert await asyncio.gather(*waiting) == ["k0", "k1", "k2"]
    database.close()


async def test_a_caller_that_gave_up_hurts_nobody(database: Database) -> None:
    async with Gate(database):
        impatient = asyncio.create_task(database.write(put("impatient")))
        patient = asyncio.create_task(database.write(put("patient")))
        await asyncio.sleep(0)
        impatient.cancel()
    assert await patient == "patient"
    assert impatient.cancelled()
    assert "impatient" in database.read_now(keys), "given up waiting, but written all the same"


async def test_readers_see_one_snapshot(database: Database) -> None:
    def look_twice(conn: Connection) -> tuple[int, int]:
        count = select(func.count()).select_from(META)
        first = conn.execute(count).scalar_one()
        database.write_now(put("meanwhile"))
        return first, conn.execute(count).scalar_one()

    first, second = await database.read(look_twice)
    assert first == second
    assert "meanwhile" in await database.read(keys)


async def test_readers_cannot_write_on_sqlite(sqlite_database: Database) -> None:
    with pytest.raises(Exception, match="readonly"):
        await sqlite_database.read(put("sneaky"))


def test_write_now_serves_threads_and_close_writes_what_waits(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    threads = [threading.Thread(target=lambda n=n: database.write_now(put(f"t{n}"))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()
    database.close()
    with pytest.raises(Unavailable, match="storage"):
        database.write_now(put("late"))
    again = Database(sqlite_url)
    assert len(again.read_now(keys)) == 20
    again.close()


def test_sqlite_is_set_up_to_be_durable(sqlite_database: Database) -> None:
    def pragma(name: str) -> Callable[[Connection], object]:
        return lambda conn: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    assert sqlite_database.write_now(pragma("journal_mode")) == "wal"
    assert sqlite_database.write_now(pragma("synchronous")) == 2, "FULL"
    assert sqlite_database.write_now(pragma("foreign_keys")) == 1


class FailingDisk(sqlite3.Connection):
    """A SQLite connection whose COMMIT meets an I/O error when told to."""

    broken = False

    def commit(self) -> None:
        """Commit, or fail as the disk does."""
        if FailingDisk.broken:
            failure = sqlite3.OperationalError("disk I/O error")
            failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise failure
        super().commit()


def test_after_an_io_error_nothing_is_acknowledged_any_more(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal: list[BaseException] = []
    database = Database(f"{sqlite_url}", on_fatal=fatal.append, connect_args={"factory": FailingDisk})
    database.write_now(put("before"))
    monkeypatch.setattr(FailingDisk, "broken", True)
    with pytest.raises(Unavailable, match="storage"):
        database.write_now(put("during"))
    assert database.read_only
    assert len(fatal) == 1
    monkeypatch.setattr(FailingDisk, "broken", False)
    with pytest.raises(Unavailable, match="storage"):
        database.write_now(put("after"))
    assert database.read_now(keys) == {"before"}, "reading goes on"
    database.close()


def test_a_full_disk_refuses_and_recovers(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    def limit(conn: Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")

    def lift(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA max_page_count=1000000")

    database.write_now(limit)
    with pytest.raises(Unavailable, match="storage"):
        database.write_now(put("big", "x" * 1_000_000))
    assert not database.read_only
    database.write_now(lift)
    database.write_now(put("big", "x" * 1_000_000))
    assert database.read_now(keys) == {"big"}
    database.close()


def test_failures_are_sorted_by_what_must_be_done(tmp_path: Path) -> None:
    def sqlite_error(code: int) -> sqlite3.Error:
        failure = sqlite3.OperationalError("x")
        failure.sqlite_errorcode = code
        return failure

    assert classify(sqlite_error(sqlite3.SQLITE_BUSY)) is Trouble.BUSY
    assert classify(sqlite_error(sqlite3.SQLITE_FULL)) is Trouble.FULL
    assert classify(sqlite_error(sqlite3.SQLITE_IOERR_WRITE)) is Trouble.FATAL
    assert classify(sqlite_error(sqlite3.SQLITE_CORRUPT)) is Trouble.FATAL
    assert classify(sqlite_error(sqlite3.SQLITE_CONSTRAINT)) is Trouble.UNIT
    assert classify(ValueError("x")) is Trouble.UNIT


async def test_two_processes_write_the_same_rows(opened: Callable[[], Database]) -> None:
    """Deadlocks and lost races are retried, not shown."""
    one, two = opened(), opened()
    await one.write(put("a", "0"))
    await one.write(put("b", "0"))

    def bump(first: str, second: str) -> Callable[[Connection], None]:
        def unit(conn: Connection) -> None:
            for key in (first, second):
                query = select(META.c.value).where(META.c.key == key).with_for_update()
                value = int(conn.execute(query).scalar_one())
                conn.execute(META.update().where(META.c.key == key).values(value=str(value + 1)))

        return unit

    async def keep_on(database: Database, first: str, second: str) -> None:
        for _ in range(20):
            await database.write(bump(first, second))

    await asyncio.gather(keep_on(one, "a", "b"), keep_on(two, "b", "a"))
    values = await one.read(lambda conn: conn.execute(select(META.c.value)).scalars().all())
    assert list(values) == ["40", "40"]
