"""Whether a registry is asked over https or in clear text.

As Docker and go-containerregistry (`name.Insecure`, `Registry.Scheme`) do it, a registry that is called insecure or is
on this machine is asked over https first, and over plain http where nothing speaks TLS: the word is often left over
from a time before the certificate. go-containerregistry takes private networks and `.local` for insecure, too; here
they have to be called so. A vendor's API is never asked over http, unless its address says so or it is on this machine.
"""

from collections import defaultdict
from functools import partial
from typing import Final

import anyio
from yarl import URL

from holystone.adapters.http.faults import NoHandshake, NothingThere, SpeaksPlain
from holystone.adapters.http.hosts import Hosts
from holystone.adapters.http.transport import authority
from holystone.adapters.http.trust import is_loopback
from holystone.adapters.http.wire import Wire
from holystone.engine import events
from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Transient

PATIENCE: Final = 20.0
"""Seconds for the first question."""
_LIMIT: Final = 64 * 1024
"""Bytes of the answer, which nobody reads."""
log: Final = events.logger()


class Schemes:
    def __init__(self, insecure: Hosts, unverified: Hosts) -> None:
        self._insecure = insecure
        self._unverified = unverified
        self._plain: dict[RegistryHost, bool] = {}
        self._asking: defaultdict[RegistryHost, anyio.Lock] = defaultdict(anyio.Lock)

    async def find_out(self, host: RegistryHost) -> None:
        """Asks the host, once, if there is anything to find out. What keeps it from answering is told by whoever needs
        it for more."""
        async with self._asking[host]:
            if host not in self._plain:
                self._plain[host] = await self._is_plain(host)

    def base(self, host: RegistryHost) -> URL:
        """Where the registry's API is, without a slash at the end. To be asked after `find_out`."""
        return URL(f"{'http' if self._plain[host] else 'https'}://{authority(host)}")

    def vendor_api(self, host: RegistryHost) -> URL:
        """Where the vendor's own API is, if it is at the registry's host."""
        return self.base(host) if is_loopback(_https(host).host or "") else _https(host)

    async def _is_plain(self, host: RegistryHost) -> bool:
        url = _https(host)
        here = is_loopback(url.host or "")
        if not (here or self._insecure.cover(url, host)):
            return False
        plain = not await self._speaks_tls(url, host, here=here)
        log.info("registry asked over plain http" if plain else "registry asked over https", host=host)
        return plain

    async def _speaks_tls(self, url: URL, host: RegistryHost, *, here: bool) -> bool:
        """Whether a server speaks TLS, asked without a credential. A certificate that nobody vouches for is TLS; so is
        an error, and silence. Nobody at https's own port says nothing of http's. `here`, on this machine, silence and
        nobody mean plain http: what comes there later is seldom anything else."""
        with anyio.move_on_after(PATIENCE):
            try:
                async with Wire(connections=1, unverified=partial(self._unverified.cover, registry=host)) as wire:
                    await wire.send("GET", url / "v2/", limit=_LIMIT, headers={}, redirects=False)
            except (SpeaksPlain, NoHandshake):
                return False
            except NothingThere:
                return url.explicit_port is not None and (not here or self._unverified.cover(url, host))
            except (HolystoneError, Transient):
                return True
            return True
        return not here


def _https(host: RegistryHost) -> URL:
    return URL(f"https://{authority(host)}")
