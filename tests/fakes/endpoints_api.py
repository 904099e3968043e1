"""A loopback of the management API of Hugging Face's Inference Endpoints, for the real huggingface_hub client.

`with endpoints_api(looks=2) as api:` serves from a thread; `api.endpoints` holds what exists and `api.calls` what was
asked. An endpoint that starts is `pending`, then `initializing`, and `running` at its `looks`-th look; a request to one
that is scaled to zero wakes it. With `end="failed"` a start fails.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from aiohttp import web

NOW = "2026-11-22T12:00:00.000Z"
TOKEN = "hf_loopback"
MACHINES = (
    {"id": "aws-us-east-1-nvidia-l4-x1", "instanceType": "nvidia-l4", "instanceSize": "x1", "pricePerHour": 0.8},
    {"id": "aws-us-east-1-nvidia-l4-x4", "instanceType": "nvidia-l4", "instanceSize": "x4", "pricePerHour": 3.8},
)
COMMON = {
    "accelerator": "gpu",
    "architecture": "Nvidia L4",
    "numAccelerators": 1,
    "numCpus": 7,
    "memoryGb": 30,
    "gpuMemoryGb": 24,
    "status": "available",
    "quota": {"maxAccelerators": 8, "usedAccelerators": 0},
}


class Api:
    """The platform's state."""

    def __init__(self, looks: int, end: str, hidden: int, stumbles: int, refuse: dict[str, int]) -> None:
        self.looks, self.end, self.hidden, self.stumbles, self.refuse = looks, end, hidden, stumbles, refuse
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []  # method and last part of the path, of what changes something
        self.url = ""
        self.left: dict[str, int] = {}  # looks until a starting endpoint is up

    def routes(self) -> list[web.AbstractRouteDef]:
        one = "/v2/endpoint/{space}/{name}"
        return [
            web.get("/api/whoami-v2", self.whoami),
            web.get("/v2/provider/{space}", self.hardware),
            web.post("/v2/endpoint/{space}", self.create),
            web.get(one, self.look),
            web.delete(one, self.remove),
            web.post(one + "/{action}", self.act),
            web.get("/at/{name}", self.ask),
            web.get("/at/{name}/{path}", self.ask),
        ]

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "Invalid credentials"}, status=401)
        last = request.path.rsplit("/", 1)[1]
        if request.method != "GET":
            self.calls.append((request.method, last))
        if last in self.refuse:
            return web.json_response({"error": f"refused: {last}"}, status=self.refuse[last])
        answer: web.StreamResponse = await handler(request)
        return answer

    async def whoami(self, request: web.Request) -> web.Response:
        return web.json_response({"type": "user", "name": "me"})

    async def hardware(self, request: web.Request) -> web.Response:
        region = {"name": "us-east-1", "computes": [COMMON | machine for machine in MACHINES]}
        return web.json_response({"vendors": [{"name": "aws", "regions": [region]}]})

    async def create(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        if asked["name"] in self.endpoints:
            return web.json_response({"error": "there is one already"}, status=409)
        asked["healthRoute"] = asked["model"]["image"]["custom"]["healthRoute"]
        asked["status"] = {"createdAt": NOW, "updatedAt": NOW, "message": "", "readyReplica": 0, "targetReplica": 1}
        self.endpoints[asked["name"]] = asked
        self.start(asked["name"])
        return web.json_response(asked)

    def start(self, name: str) -> None:
        self.endpoints[name]["status"]["state"] = "pending"
        self.left[name] = self.looks

    async def look(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.endpoints:
            return web.json_response({"error": "Not Found"}, status=404)
        if self.stumbles > 0:
            self.stumbles -= 1
            return web.json_response({"error": "Bad Gateway"}, status=502)
        status = self.endpoints[name]["status"]
        if status["state"] in ("pending", "initializing"):
            self.left[name] -= 1
            status["state"] = self.end if self.left[name] <= 0 else "initializing"
        if status["state"] == "running":
            self.hidden -= 1
            status["url"] = f"{self.url}/at/{name}" if self.hidden < 0 else "http://127.0.0.1:9"  # nobody is there
        return web.json_response(self.endpoints[name])

    async def remove(self, request: web.Request) -> web.Response:
        del self.endpoints[request.match_info["name"]]
        return web.json_response({})

    async def act(self, request: web.Request) -> web.Response:
        name, action = request.match_info["name"], request.match_info["action"]
        if action == "resume":
            self.start(name)
        else:
            self.endpoints[name]["status"]["state"] = {"scale-to-zero": "scaledToZero", "pause": "paused"}[action]
        return web.json_response(self.endpoints[name])

    async def ask(self, request: web.Request) -> web.Response:
        """The endpoint itself: 503 unless it runs; asking one that is scaled to zero wakes it."""
        name = request.match_info["name"]
        state = self.endpoints[name]["status"]["state"]
        if state == "scaledToZero":
            self.start(name)
        return web.json_response({}, status=200 if state == "running" else 503)


@contextlib.contextmanager
def endpoints_api(
    *, looks: int = 2, end: str = "running", hidden: int = 0, stumbles: int = 0, refuse: dict[str, int] | None = None
) -> Iterator[Api]:
    """The platform, in a thread of this process.

    The first `stumbles` looks at an endpoint that exists answer 502; the first `hidden` looks at a running one show an
    address that cannot be reached; `refuse` answers paths that end so with a status.
    """
    api = Api(looks, end, hidden, stumbles, refuse or {})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    app = web.Application(middlewares=[api.guard])
    app.add_routes(api.routes())
    runner = web.AppRunner(app, access_log=None)

    async def begin() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1).start()
        api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    asyncio.run_coroutine_threadsafe(begin(), loop).result()
    try:
        yield api
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
