"""A browser for the end-to-end tests: found, or installed by `python -m tests.e2e.browser`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def system_browser() -> str | None:
    """Path of an installed Chromium or Chrome, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def playwright_browser() -> str | None:
    """Path of Playwright's own Chromium, or None when it was never downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> int:
    """Find a browser, else install Debian's package (as root) or Playwright's own; 0 when one stands."""
    found = system_browser() or playwright_browser()
    if found:
        print(f"Jieli: tests drive {found}", flush=True)
        return 0
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Jieli: installing Chromium and a Chinese font for the browser tests (180 MB)", flush=True)
        packages = ["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"]
        steps = [["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in steps:
            subprocess.run(["apt-get", *step], env=environment, check=False, stdout=subprocess.DEVNULL)
        if system_browser():
            return 0
    print("Jieli: downloading Playwright's Chromium for the browser tests", flush=True)
    return subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(install())
