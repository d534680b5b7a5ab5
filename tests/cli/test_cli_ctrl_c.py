"""Ctrl-C before a command has begun: one line, whatever is being loaded."""

import signal
import subprocess
import sys

import pytest

from tests.support.command_line import Bench

STARTED = """
import builtins, signal, sys, time
load, name = builtins.__import__, sys.argv.pop(1)

def slowly(module, *more, **named):
    if module == name:
        builtins.__import__ = load
        print("loading", flush=True)
        for _ in range(3000):  # a signal right before one sleep would wait for its end
            time.sleep(0.01)
    return load(module, *more, **named)

builtins.__import__ = slowly
if sys.argv.pop(1) == "ignored":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
from holystone.cli.start import main
main()
"""


def started(shop: Bench, module: str, how: str = "as it is") -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", STARTED, module, how, "cleanup", *shop.addresses()],
        cwd=shop.project,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "loading\n"
    return started


@pytest.mark.parametrize("module", ["click", "holystone.cli.commands", "aiohttp"])
def test_while_something_is_loaded(shop: Bench, module: str) -> None:
    with started(shop, module) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (1, "", "holystone: Interrupted.\n")
    assert shop.registry.requests == []


def test_not_for_whom_interrupts_are_switched_off(shop: Bench) -> None:
    with started(shop, "click", "ignored") as process:
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.3)
        process.kill()
