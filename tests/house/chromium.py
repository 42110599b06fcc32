"""Where Chromium is, and, run as a program, how to get one (`make browser`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# The shell has no window to draw: tests take two thirds of the time.
NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# Quiet: no calls home, no graphics card. Without its sandbox only where it runs as root, which refuses one.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
# A test's page is gone before its scripts are worth compiling well, which takes a fifth of what a renderer takes.
BRIEFLY = "--js-flags=--no-opt --no-maglev"


def find() -> str | None:
    """The program that CHROMIUM names, else the first on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def install() -> bool:
    """Debian's package where we may install it, else Playwright's own build."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return _apt("update") and (_apt("-y", "install", NAMES[0]) or _apt("-y", "install", "chromium"))
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    return subprocess.run(command, check=False).returncode == 0


def _apt(*words: str) -> bool:
    quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
    return not subprocess.run(["apt-get", "-qq", *words], env=quiet, check=False).returncode


if __name__ == "__main__":
    if not find() and not install():
        print("No Chromium could be installed: the browser tests will be skipped, or fail where CI is set.")
