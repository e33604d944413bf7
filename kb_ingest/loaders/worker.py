"""Parsers in a child process: `Reader` asks, `python -m kb_ingest.loaders.worker` answers, one JSON line
each.

The child has limits on memory and CPU time and is killed when a document takes too long; the next document
gets a fresh one. Nothing but JSON crosses, so a parser that is taken over can hand back text and no more.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from kb_ingest.errors import Unreadable
from kb_ingest.loaders.base import Parsed, Row, corrupt, too_slow
from kb_ingest.loaders.read import ISOLATED, read

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 20
WALL_SECONDS = 30.0


class Reader:
    """Reads files, isolating the parsers that need it; thread-safe, one document at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, path: Path, name: str | None = None) -> list[Parsed]:
        """As `kb_ingest.loaders.read.read`; raises Unreadable."""
        name = name or path.name
        if Path(name).suffix.lower() not in ISOLATED:
            return read(path, name)
        with self._lock:
            answer = self._ask({"path": str(path.resolve()), "name": name})
        if answer is None:
            raise too_slow(name)
        if "error" in answer:
            raise Unreadable(*answer["error"])
        return [_from_json(item) for item in answer["documents"]]

    def close(self) -> None:
        """Stop the child process."""
        with self._lock:
            self._stop()

    def _ask(self, request: dict[str, str]) -> dict[str, Any] | None:
        child = self._child or self._start()
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            line = _line_within(child, WALL_SECONDS)
        except (BrokenPipeError, TimeoutError):
            line = b""
        if not line.endswith(b"\n"):
            self._stop()
            return None
        result: dict[str, Any] = json.loads(line)
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JIELI_")}
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "kb_ingest.loaders.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
            child.wait()


def _line_within(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    import time

    assert child.stdout is not None
    descriptor = child.stdout.fileno()
    deadline = time.monotonic() + seconds
    parts = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not parts.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError
            part = os.read(descriptor, 1 << 20)
            if not part:
                return parts
            parts += part
    return parts


def _from_json(item: dict[str, Any]) -> Parsed:
    rows = tuple(Row(r["question"], r["start"], r["end"], tuple(r["aliases"])) for r in item.pop("rows"))
    aliases = tuple(item.pop("aliases"))
    return Parsed(**item, rows=rows, aliases=aliases)


def _limit() -> None:
    """Memory for good; CPU time anew for every document (the limit counts from the start of the process)."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _answer(request: dict[str, str]) -> dict[str, Any]:
    try:
        return {"documents": [asdict(p) for p in read(Path(request["path"]), request["name"])]}
    except Unreadable as error:
        return {"error": [error.code, error.zh, error.en]}
    except MemoryError:
        trouble = too_slow(request["name"])
    # A parser's task ends here: whatever a foreign file makes it raise means that the file is not what it
    # says.
    except Exception:
        trouble = corrupt(request["name"])
    return {"error": [trouble.code, trouble.zh, trouble.en]}


def _serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    for line in questions:
        if sys.platform != "win32":
            _limit()
        answers.write(json.dumps(_answer(json.loads(line))).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
