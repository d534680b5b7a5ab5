"""The contract suite's scenarios on every real server that is there, in a repository of its own each."""

import pytest

from tests.contract.test_contract_catalog import *  # noqa: F403
from tests.contract.test_contract_deleting import *  # noqa: F403
from tests.contract.test_contract_reading import *  # noqa: F403

pytestmark = [pytest.mark.real]
