"""Amazon ECR as moto plays it, which has no /v2: that is a distribution's for blobs, and for manifests a translation
into ECR's own calls, with the digest that moto would make up otherwise. What moto takes or lacks and does not name in
its reply is named, as AWS describes it, and calls go one by one: of two at once, moto deletes the wrong image.

`python -m tests.real.moto_ecr PORT DISTRIBUTION`."""

import asyncio
import hashlib
import json
import logging
import sys
from typing import Any

import aiohttp
from aiohttp import web
from moto.server import ThreadedMotoServer

TARGET = "AmazonEC2ContainerRegistry_V20150921"
_MANIFESTS = r"/v2/{name:.+}/manifests/{reference}"


class Front:
    def __init__(self, session: aiohttp.ClientSession, moto: str, distribution: str) -> None:
        self._session = session
        self._moto = moto
        self._distribution = distribution
        self._one_by_one = asyncio.Lock()

    async def call(self, operation: str, **asked: Any) -> Any:
        headers = {
            "X-Amz-Target": f"{TARGET}.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=front/20260101/eu-west-1/ecr/aws4_request",
        }
        async with self._one_by_one, self._session.post(self._moto, data=json.dumps(asked), headers=headers) as reply:
            return await reply.json(content_type=None) if reply.status == 200 else None

    async def put_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        body = await request.read()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        asked = {"repositoryName": name, "imageManifest": body.decode(), "imageDigest": digest}
        asked["imageManifestMediaType"] = request.content_type
        if ":" not in reference:
            asked["imageTag"] = reference
        await self.call("CreateRepository", repositoryName=name)  # refused if it is there
        await self.call("PutImage", **asked)  # refused if the tag is on it
        if await self._image(name, reference) is None:
            return web.Response(status=400)
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})

    async def get_manifest(self, request: web.Request) -> web.Response:
        image = await self._image(request.match_info["name"], request.match_info["reference"])
        if image is None:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        return web.Response(
            body=image["imageManifest"].encode(),
            content_type=image["imageManifestMediaType"],
            headers={"Docker-Content-Digest": image["imageId"]["imageDigest"]},
        )

    async def list_tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = await self.call("ListImages", repositoryName=name)
        if found is None:
            return web.json_response({"errors": [{"code": "NAME_UNKNOWN"}]}, status=404)
        tags = sorted({each["imageTag"] for each in found["imageIds"] if each.get("imageTag")})
        return web.json_response({"name": name, "tags": tags})

    async def api(self, request: web.Request) -> web.Response:
        async with self._one_by_one:
            reply = await self._forward(request, self._moto)
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if reply.status != 200 or operation not in ("BatchDeleteImage", "BatchGetImage"):
            return reply
        said, asked = json.loads(reply.text or "{}"), await request.json()
        answers = [*said.get("imageIds", ()), *(each["imageId"] for each in said.get("images", ()))]
        answers += [each["imageId"] for each in said["failures"]]
        named = {each.get("imageDigest") for each in answers}
        unnamed = [each for each in asked["imageIds"] if "imageDigest" in each and each["imageDigest"] not in named]
        if operation == "BatchDeleteImage":
            said["imageIds"] += unnamed
        else:
            said["failures"] = [
                {"imageId": each, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
                for each in unnamed
            ]
        return web.json_response(said, content_type="application/x-amz-json-1.1")

    async def blobs(self, request: web.Request) -> web.Response:
        return await self._forward(request, self._distribution)

    async def _image(self, name: str, reference: str) -> Any:
        by = "imageDigest" if ":" in reference else "imageTag"
        found = await self.call("BatchGetImage", repositoryName=name, imageIds=[{by: reference}])
        return found["images"][0] if found and found["images"] else None

    async def _forward(self, request: web.Request, to: str) -> web.Response:
        kept = {name: text for name, text in request.headers.items() if name not in ("Host", "Content-Length")}
        async with self._session.request(
            request.method, to + request.path_qs, data=await request.read(), headers=kept, allow_redirects=False
        ) as reply:
            left = ("Content-Length", "Transfer-Encoding", "Content-Encoding")
            headers = {name: text for name, text in reply.headers.items() if name not in left}
            if "Location" in headers:
                headers["Location"] = headers["Location"].replace(to, f"http://{request.host}")
            return web.Response(status=reply.status, body=await reply.read(), headers=headers)


async def application(distribution: str) -> web.Application:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    front = Front(aiohttp.ClientSession(auto_decompress=False), f"http://{host}:{port}", distribution)
    made = web.Application(client_max_size=2**26)
    made.router.add_put(_MANIFESTS, front.put_manifest)
    made.router.add_get(_MANIFESTS, front.get_manifest)
    made.router.add_get("/v2/{name:.+}/tags/list", front.list_tags)
    made.router.add_route("*", "/v2/{rest:.*}", front.blobs)
    made.router.add_post("/", front.api)
    return made


if __name__ == "__main__":
    web.run_app(application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), print=None)
