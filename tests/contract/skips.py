"""What a vendor does not have is skipped with the reason. For `conftest.py` of a folder, which takes the hook over."""

from collections.abc import Iterator

import pytest

from tests.emulators.vendor import NotHere


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except NotHere as reason:
        pytest.skip(str(reason))
