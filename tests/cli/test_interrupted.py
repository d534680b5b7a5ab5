"""Ctrl-C, once and again."""

import os
import signal

import anyio
import pytest

from holystone.cli.signals import Interrupted, until_signal


@pytest.mark.parametrize("again", [0, 1, 2])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_who_presses_ctrl_c_again_waits_for_what_is_being_closed(again: int, kind: signal.Signals) -> None:
    closed: list[str] = []

    async def job() -> None:
        os.kill(os.getpid(), kind)
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                for _ in range(again):
                    os.kill(os.getpid(), kind)
                    await anyio.sleep(0.02)
                closed.append("journal")

    with pytest.raises(Interrupted, match=f"Interrupted by {kind.name}."):
        anyio.run(until_signal, job)
    assert closed == ["journal"]
