"""Programs that some tests need: missing ones are skipped on a laptop, and fail where HOLYSTONE_REQUIRE names them."""

import os
import shutil

import pytest


def require(program: str) -> str:
    """The path of a program; skips or fails the calling test without it."""
    path = shutil.which(program)
    if path is None:
        required = os.environ.get("HOLYSTONE_REQUIRE", "").split(",")
        if program in (each.strip() for each in required):
            pytest.fail(f"{program} is missing, and HOLYSTONE_REQUIRE names it", pytrace=False)
        pytest.skip(f"{program} is not installed")
    return path
