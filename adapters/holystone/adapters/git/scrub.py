"""Takes credentials out of what git prints."""

import re
from typing import Final

# Greedy, up to the last `@`: a password may hold one, or a slash. Too much gone is better than too little.
_USERINFO: Final = re.compile(r"(?<=://)\S*@")


def scrub(text: str) -> str:
    return _USERINFO.sub("…@", text)
