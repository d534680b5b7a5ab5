"""Distribution 3 with a token service: what the contract suite asks of a plain OCI registry. And others that are
cleaned as such, with ways of their own."""

import base64

from holystone.embedded.access import TokenService, User
from holystone.embedded.errors import error_reply
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.quirks import DISTRIBUTION_3_1, GGCR, GITEA, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from tests.emulators.vendor import Login, VendorEmulator

PASSWORD = "scrub-the-quarterdeck"
READER = "may-only-look-around"


class DefaultEmulator(VendorEmulator):
    implementation = "default"

    def __init__(self) -> None:
        super().__init__(quirks=DISTRIBUTION_3_1)
        users = {
            "cleaner": User(PASSWORD),
            "reader": User(READER, {"*": frozenset({"pull"})}),
        }
        EmbeddedRegistry.__init__(self, quirks=DISTRIBUTION_3_1, auth=TokenService(users))

    def login(self) -> Login:
        return self._docker("cleaner", PASSWORD)

    def bad_login(self) -> Login:
        return self._docker("cleaner", "not-the-password")

    def weak_login(self) -> Login:
        return self._docker("reader", READER)

    def expire_tokens(self) -> None:
        self.gate.revoke_all()

    def may_throttle(self, request: Incoming) -> bool:
        return request.path.startswith("/v2/")

    def throttling(self) -> Reply:
        return error_reply("TOOMANYREQUESTS", headers={"Retry-After": "0"}).reply

    def _docker(self, user: str, password: str) -> Login:
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": auth}}}, secrets=(password, auth))


class OtherEmulator(VendorEmulator):
    """Anybody may do everything."""

    implementation = "default"
    ways: Quirks = OCI

    def __init__(self) -> None:
        super().__init__(quirks=self.ways)

    def login(self) -> Login:
        return Login()


class CopyingEmulator(OtherEmulator):
    ways = GGCR


class DanglingEmulator(OtherEmulator):
    ways = Quirks(digest_delete_leaves="dangling-tags")


class ZotEmulator(OtherEmulator):
    ways = ZOT


class GiteaEmulator(OtherEmulator):
    ways = GITEA

    def __init__(self) -> None:
        super().__init__()
        anybody = TokenService({"": User("")}, service="container_registry", path="/v2/token", scope="*")
        EmbeddedRegistry.__init__(self, quirks=self.ways, auth=anybody)


EMULATOR = DefaultEmulator
