"""Amazon ECR: every attempt has a signature of its own."""

import pytest

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.http.transport import RegistryHttp
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Limits, Scheduler


class Counting:
    """A signer that numbers what it signs. The first ones are not good enough."""

    def __init__(self, refusals: int) -> None:
        self.signed: list[Outgoing] = []
        self.refusals = refusals

    async def sign(self, request: Outgoing) -> Authorization:
        self.signed.append(request)
        number = str(len(self.signed))
        return Authorization("Test", Secret(f"signature-{number}"), headers={"X-Number": number})

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        self.refusals -= reply.status == 401
        return reply.status == 401 and self.refusals >= 0


@pytest.mark.parametrize(
    ("answers", "refusals", "status", "signatures"),
    [
        ([200], 0, 200, 1),
        ([503, 503, 200], 0, 200, 3),
        ([401, 200], 1, 200, 2),
        ([401, 401], 1, 401, 2),
        ([401], 0, 401, 1),
        ([503, 401, 200], 1, 200, 3),
    ],
)
async def test_every_attempt_is_signed_anew(answers: list[int], refusals: int, status: int, signatures: int) -> None:
    faults = tuple(
        Fault("POST", "/thing", Answer(each, b"signature-1 was refused"), nth=number)
        for number, each in enumerate(answers, 1)
    )
    signer = Counting(refusals)
    async with EmbeddedRegistry(faults=faults) as served:
        host = RegistryHost.parse(served.host)
        lane = Scheduler(Limits(attempts=4)).lane(host, "somebody", "api")
        async with RegistryHttp(host, Anonymous(), signer=signer) as http:
            answer = await http.request("POST", "/thing?a=b", lane=lane, limit=1000, body=b"body")
        assert answer.status == status
        sent = [each.authorization for each in served.requests]
        assert sent == [f"Test signature-{number}" for number in range(1, signatures + 1)]
    assert {(each.method, each.url.path_qs, each.body) for each in signer.signed} == {("POST", "/thing?a=b", b"body")}
    if status == 401 and signatures == 1:
        assert redacted(answer.body.decode()) == "*** was refused"
