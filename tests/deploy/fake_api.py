"""As much of a Kubernetes API server as kubectl apply, get and delete need: discovery, and a dict of objects.

It validates nothing and runs nothing. Patches are merged as JSON merge patches, which is what the other
patch types come to for the objects here, whose lists are replaced whole.
"""

import json
from typing import Any

from aiohttp import web

Manifest = dict[str, Any]

# Group and version -> resource name as in the URL -> kind.
RESOURCES: dict[str, dict[str, str]] = {
    "v1": {"services": "Service", "configmaps": "ConfigMap", "pods": "Pod"},
    "apps/v1": {"statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "deployments": "Deployment"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
}
VERBS = ["create", "delete", "get", "list", "patch"]


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


class FakeApi:
    """`objects` maps (namespace, resource, name) to what was applied."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Manifest] = {}
        self._revision = 0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/version", self._version)
        application.router.add_get("/api", self._core_versions)
        application.router.add_get("/apis", self._groups)
        for group_version in RESOURCES:
            base = f"/api/{group_version}" if group_version == "v1" else f"/apis/{group_version}"
            application.router.add_get(base, self._resources)
            collection = base + "/namespaces/{namespace}/{resource}"
            application.router.add_get(collection, self._list)
            application.router.add_post(collection, self._create)
            for method, handler in (("GET", self._get), ("PATCH", self._patch), ("DELETE", self._delete)):
                application.router.add_route(method, collection + "/{name}", handler)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    # Discovery: what kubectl asks first, to learn which URL belongs to a kind.

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"major": "1", "minor": "37", "gitVersion": "v1.37.0"})

    async def _core_versions(self, _: web.Request) -> web.Response:
        return web.json_response({"kind": "APIVersions", "versions": ["v1"]})

    async def _groups(self, _: web.Request) -> web.Response:
        groups = []
        for group_version in RESOURCES:
            group, _slash, version = group_version.rpartition("/")
            known = {"groupVersion": group_version, "version": version}
            if group:
                groups.append({"name": group, "versions": [known], "preferredVersion": known})
        return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})

    async def _resources(self, request: web.Request) -> web.Response:
        group_version = request.path.removeprefix("/apis/").removeprefix("/api/")
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": VERBS}
            for name, kind in RESOURCES[group_version].items()
        ]
        answer = {"kind": "APIResourceList", "groupVersion": group_version, "resources": resources}
        return web.json_response(answer)

    # Objects.

    def _key(self, request: web.Request) -> tuple[str, str, str]:
        match = request.match_info
        return match["namespace"], match["resource"], match.get("name", "")

    def _store(self, key: tuple[str, str, str], manifest: Manifest) -> None:
        self._revision += 1
        manifest["metadata"] |= {"namespace": key[0], "resourceVersion": str(self._revision)}
        manifest["metadata"].setdefault("uid", f"uid-{self._revision}")
        self.objects[key] = manifest

    def _known(self, request: web.Request) -> Manifest:
        key = self._key(request)
        if key not in self.objects:
            message = f'{key[1]} "{key[2]}" not found'
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}
            text = json.dumps(status | {"code": 404, "message": message})
            raise web.HTTPNotFound(text=text, content_type="application/json")
        return self.objects[key]

    async def _list(self, request: web.Request) -> web.Response:
        wanted = self._key(request)[:2]
        items = [manifest for key, manifest in self.objects.items() if key[:2] == wanted]
        metadata = {"resourceVersion": str(self._revision)}
        return web.json_response({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items})

    async def _create(self, request: web.Request) -> web.Response:
        manifest = await request.json()
        namespace, resource, _ = self._key(request)
        self._store((namespace, resource, manifest["metadata"]["name"]), manifest)
        return web.json_response(manifest, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._known(request))

    async def _patch(self, request: web.Request) -> web.Response:
        changed = merge_patch(self._known(request), json.loads(await request.text()))
        self._store(self._key(request), changed)
        return web.json_response(changed)

    async def _delete(self, request: web.Request) -> web.Response:
        manifest = self._known(request)
        del self.objects[self._key(request)]
        return web.json_response(manifest)
