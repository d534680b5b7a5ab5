"""What a token server answers."""

from yarl import URL

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import bearer
from holystone.adapters.http.tokens import _lifetime, _read, _seconds
from holystone.adapters.registries.granted import granted_actions
from holystone.engine.errors import HolystoneError
from tests.fuzz.scripted import REPOSITORY, reply_of

SEEDS = (
    b'{"token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTAwMDAzMDAsImlhdCI6MTc5MDAwMDAwMCwiYWNjZXNzIjpbeyJ0eXBlIjoicmVwb3NpdG9yeSIs'
    b'Im5hbWUiOiJhIiwiYWN0aW9ucyI6WyJwdWxsIl19XX0.c2ln","expires_in":300,"issued_at":"2026-11-29T05:06:41Z"}',
    b'{"access_token":"opaque","refresh_token":"newer","expires_in":"300"}',
    b'401\n\n{"details":"incorrect username or password"}',
)


def parse(data: bytes) -> None:
    try:
        body = _read(reply_of(data), URL("https://auth.example/token"), Anonymous("nowhere"))
    except HolystoneError as error:
        str(error)
        return
    token = bearer(Secret(body.token or body.access_token or ""))
    assert 0 < _seconds(_lifetime(token.claims, body.said_at) if body.expires_in is None else body.expires_in) < 1e10
    granted_actions(token.claims, REPOSITORY.path)
