"""`python -m tests.torture.launcher FACTOR`: runs the command `holystone` in processes of its own, each forked from
this one, which has loaded the program already. Asked on standard input, a line of JSON for each; answers a line when
the process has begun, and one when it has ended. Serves one at a time."""

import gc
import importlib
import json
import os
import sys
from typing import Any

from tests.torture.quick_time import quicken

_LOADED = (
    "holystone.cli.commands",
    "holystone.cli.exits",
    "anyio._backends._asyncio",
    "encodings.idna",
)
"""What every command loads sooner or later."""


def main() -> None:
    factor = float(sys.argv[1])
    if factor != 1:
        quicken(factor)
    for name in _LOADED:
        importlib.import_module(name)
    if factor != 1:
        # uvloop has a clock of its own.
        sys.modules["holystone.cli.commands"]._has_uvloop = lambda: False  # type: ignore[attr-defined]
    gc.freeze()
    print("{}", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked)
            return
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


def _become(asked: dict[str, Any]) -> None:
    from holystone.cli.main import main as holystone

    for number, file in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["holystone", *asked["words"]]
    holystone()


if __name__ == "__main__":
    main()
