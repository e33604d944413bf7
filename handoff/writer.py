"""Durable storage: many callers, one writer thread, one commit for all who wait.

A *unit* is a plain function over a synchronous SQLAlchemy `Connection`. `Database.write` queues it; the
writer drains
up to `batch` units into one transaction and acknowledges them together after COMMIT (SQLite: WAL,
synchronous=FULL). A unit may run twice, so it must have no effect outside the database.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future as BlockingFuture
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import Engine

from handoff.engines import Trouble, classify, make_reader, make_writer
from handoff.errors import HandoffError, Unavailable

T = TypeVar("T")
Unit = Callable[[Connection], T]
log = logging.getLogger(__name__)

BATCH: Final = 256  # units in one transaction
BACKLOG: Final = 2_048  # units waiting; more are refused with `busy`
RETRIES: Final = 8  # of a transaction that PostgreSQL gave up for a deadlock or a concurrent writer


def busy() -> Unavailable:
    """More is waiting than can be written soon."""
    return Unavailable(
        "busy", "系统正忙,请稍后重试。", "The server is busy; try again in a moment.", retry_ms=500
    )


def storage_down() -> Unavailable:
    """Nothing can be made durable now."""
    return Unavailable(
        "storage",
        "暂时无法保存,请稍后重试。",
        "Nothing can be saved right now; try again later.",
        retry_ms=2_000,
    )


@dataclass(frozen=True, slots=True)
class WriterStats:
    """Counters since start: `units` written, `batches` committed, `reruns` after a bad unit, `waiting`
    now.
    """

    units: int
    batches: int
    reruns: int
    waiting: int


class _Job:
    """One queued unit and where its outcome goes."""

    __slots__ = ("error", "future", "loop", "result", "unit")

    def __init__(self, unit: Unit[Any], future: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self.unit = unit
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: BaseException | None = None


class _Spoiled(Exception):
    """Unit number `index` failed in a way that needs a rollback of the whole transaction."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(index)
        self.index = index
        self.cause = cause


def _settle(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        future = job.future
        if future.done():
            continue
        if job.error is not None:
            future.set_exception(job.error)
        else:
            future.set_result(job.result)


class Database:
    """Group-committing storage over one SQLite file or one PostgreSQL database.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
        batch, backlog: see the module constants.
        readers: worker threads, each with its own read connection.
        on_fatal: called once, on the writer thread, when storage failed for good (an I/O error at COMMIT);
            the server should exit non-zero. From then on every write raises ``Unavailable("storage")`` and
            reads still work.
        connect_args: handed to the driver by the writer's connection.
    """

    def __init__(
        self,
        url: str,
        *,
        batch: int = BATCH,
        backlog: int = BACKLOG,
        readers: int = 4,
        on_fatal: Callable[[BaseException], None] | None = None,
        connect_args: dict[str, Any] | None = None,
    ) -> None:
        self.url = url
        self.on_fatal = on_fatal
        self._batch = batch
        self._backlog = backlog
        self._writer: Engine = make_writer(url, connect_args or {})
        self._reader: Engine = make_reader(url, readers)
        self._sqlite = self._writer.dialect.name == "sqlite"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        self._fatal: BaseException | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._units = self._batches = self._reruns = 0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations at start-up; not for use while the server runs."""
        return self._writer

    @property
    def read_only(self) -> bool:
        """Whether storage failed for good and writes are refused."""
        return self._fatal is not None

    def stats(self) -> WriterStats:
        """Counters for metrics."""
        return WriterStats(self._units, self._batches, self._reruns, self._jobs.qsize())

    def create_tables(self, *schemas: MetaData) -> None:
        """Create missing tables (tests and new databases; migrations are the bot's)."""

        def create(conn: Connection) -> None:
            for schema in schemas:
                schema.create_all(conn)

        self.write_now(create)

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in the next grouped transaction; durable when this returns.

        Raises what the unit raises (its writes undone), `Unavailable("busy")` when too much waits,
        `Unavailable("storage")` when nothing can be made durable.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._enqueue(_Job(unit, future, loop))
        return await future

    def write_now(self, unit: Unit[T]) -> T:
        """`write` for the command line and worker threads: blocks until durable."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a unit must not call write_now")
        future: BlockingFuture[T] = BlockingFuture()
        self._enqueue(_Job(unit, future, None))
        return future.result()

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on a worker thread over a read connection with one consistent snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, unit)

    def read_now(self, unit: Unit[T]) -> T:
        """`read` in the calling thread."""
        with self._reader.connect() as conn, conn.begin():
            return unit(conn)

    def close(self) -> None:
        """Write what is queued, then stop. Later writes raise `Unavailable("storage")`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._readers.shutdown()
        self._reader.dispose()
        self._writer.dispose()

    def _enqueue(self, job: _Job) -> None:
        if self._fatal is not None or self._closed:
            raise storage_down()
        if self._jobs.qsize() >= self._backlog:
            raise busy()
        with self._lock:  # so that nothing is queued behind close()'s last word
            if self._closed:
                raise storage_down()
            self._jobs.put(job)

    # ---- writer thread -------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            first = self._jobs.get()
            jobs: list[_Job] = []
            if first is None:
                stopping = True
            else:
                jobs.append(first)
            while not stopping and len(jobs) < self._batch:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                else:
                    jobs.append(job)
            if jobs:
                self._write_all(jobs)
                self._acknowledge(jobs)

    def _acknowledge(self, jobs: Sequence[_Job]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop | None, list[_Job]] = defaultdict(list)
        for job in jobs:
            by_loop[job.loop].append(job)
        for loop, done in by_loop.items():
            if loop is None:
                _settle(done)
                continue
            try:
                loop.call_soon_threadsafe(_settle, done)
            except RuntimeError:  # the loop is closed: nobody waits any more
                log.info("writer: %d outcomes had no loop left to go to", len(done))

    def _write_all(self, jobs: Sequence[_Job]) -> None:
        """Run the jobs in order; a bad one costs its neighbours a re-run, never their outcome."""
        rest = list(jobs)
        while rest:
            if self._fatal is not None:
                for job in rest:
                    job.error = storage_down()
                return
            try:
                self._transaction(rest)
                return
            except _Spoiled as spoiled:
                self._reruns += 1
                before, bad = rest[: spoiled.index], rest[spoiled.index]
                if before:
                    self._again(before)
                if before or classify(spoiled.cause) is Trouble.TAKEN:
                    self._one_by_one([bad])
                else:  # nobody was before it: it has run alone, and all it wrote is undone
                    bad.error = spoiled.cause
                rest = rest[spoiled.index + 1 :]

    def _again(self, jobs: list[_Job]) -> None:
        try:
            self._transaction(jobs)
        except _Spoiled:
            self._one_by_one(jobs)

    def _one_by_one(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            try:
                self._transaction([job])
            except _Spoiled as spoiled:
                job.error = spoiled.cause

    def _transaction(self, jobs: list[_Job]) -> None:
        """One transaction for all jobs, tried again when the database says that another writer was in the
        way.

        Raises `_Spoiled` when a unit failed so that everything was rolled back; any trouble of the storage
        itself becomes the outcome of every job.
        """
        for attempt in range(RETRIES):
            try:
                self._attempt(jobs)
                return
            except _Spoiled as spoiled:
                trouble, cause = classify(spoiled.cause), spoiled.cause
                again = trouble is Trouble.TAKEN and len(jobs) == 1 and attempt == 0
                if trouble is Trouble.UNIT or (trouble is Trouble.TAKEN and not again):
                    raise
            except Exception as failure:  # the writer thread is a task's outer edge: BEGIN or COMMIT failed
                trouble, cause = classify(failure), failure
            if trouble not in {Trouble.CLASH, Trouble.TAKEN}:
                break
            time.sleep(random.uniform(0, 0.005 * (attempt + 1)))  # a step aside for the other writer
        self._fail(jobs, trouble, cause)

    def _attempt(self, jobs: Sequence[_Job]) -> None:
        with self._writer.connect() as conn:
            transaction = conn.begin()
            try:
                for index, job in enumerate(jobs):
                    self._run_unit(conn, index, job)
                transaction.commit()
            except BaseException:
                if transaction.is_active and not conn.invalidated:
                    transaction.rollback()
                raise
        self._batches += 1
        self._units += len(jobs)

    def _run_unit(self, conn: Connection, index: int, job: _Job) -> None:
        job.result, job.error = None, None
        raw: Any = conn.connection.dbapi_connection
        before = raw.total_changes if self._sqlite else -1
        try:
            job.result = job.unit(conn)
        except HandoffError as refusal:
            job.error = refusal
            if not self._sqlite or raw.total_changes != before:
                raise _Spoiled(index, refusal) from refusal
        except Exception as failure:  # reported to the caller of the unit, after the neighbours are safe
            raise _Spoiled(index, failure) from failure

    def _fail(self, jobs: Sequence[_Job], trouble: Trouble, cause: Exception) -> None:
        for job in jobs:
            job.error = busy() if trouble in {Trouble.CLASH, Trouble.BUSY} else storage_down()
            job.error.__cause__ = cause
        log.error("writer: %s refused %d units: %s", trouble.value, len(jobs), type(cause).__name__)
        if trouble is Trouble.LOST:
            self._writer.dispose()
        if trouble is Trouble.FATAL and self._fatal is None:
            self._fatal = cause
            log.critical("writer: storage failed, read-only from now on: %s", cause)
            if self.on_fatal is not None:
                self.on_fatal(cause)
