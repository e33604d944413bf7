"""A server process that is measured: started, asked for its CPU and memory, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.errors import BotError

_TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Measured:
    """A running process."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu_s(self) -> float:
        """CPU seconds of all its threads so far, from /proc (resolution 1/100 s)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def rss_kib(self) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0


@contextmanager
def running(module: str, *arguments: str, pin: int | None = 0) -> Iterator[Measured]:
    """Run `python -m module *arguments PORT` until the block ends; pinned to one core where there are two."""
    if not Path("/proc/self/stat").exists():
        raise BotError("bench_needs_proc", "测量需要 Linux 的 /proc。", "Measuring needs Linux's /proc.")
    port = free_port()
    command: Sequence[str] = [sys.executable, "-m", module, *arguments, str(port)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})  # noqa: S603 our own module
    cores = os.sched_getaffinity(0)
    if pin is not None and len(cores) > 1:
        os.sched_setaffinity(process.pid, {sorted(cores)[pin]})
    try:
        _wait_for(port, process)
        yield Measured(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BotError("bench_server", "测量用的服务器没有启动。", "The measured server did not start.")
