"""What `werf ci-env` leaves in a job's environment, besides the repositories' addresses. From werf 1.1's own pages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CI_ENV: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WERF_TAG_BY_STAGES_SIGNATURE": "true",
        "WERF_ADD_ANNOTATION_PROJECT_GIT": "project.werf.io/git=https://git.example/shop",
        "WERF_ADD_ANNOTATION_CI_COMMIT": "ci.werf.io/commit=0123",
        "WERF_ENABLE_PROCESS_EXTERMINATOR": "1",
        "WERF_LOG_COLOR_MODE": "on",
        "WERF_LOG_PROJECT_DIR": "1",
        "WERF_LOG_TERMINAL_WIDTH": "95",
        "WERF_GIT_TAG_STRATEGY_LIMIT": "10",
        "WERF_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
        "WERF_GIT_COMMIT_STRATEGY_LIMIT": "50",
        "WERF_GIT_COMMIT_STRATEGY_EXPIRY_DAYS": "30",
        "WERF_STAGES_SIGNATURE_STRATEGY_LIMIT": "-1",
        "WERF_STAGES_SIGNATURE_STRATEGY_EXPIRY_DAYS": "-1",
    }
)
