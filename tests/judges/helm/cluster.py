"""A cluster that only remembers: as much of the Kubernetes API as Helm asks for, on a loopback port. Nothing runs in it: a pod has ended
as soon as it is there, in the way that `pods_end` says.

Objects are kept as they come; a patch is laid over what is there, but what somebody wrote by hand is not taken from him without `force`, and
a StatefulSet keeps what Kubernetes lets nobody change. Paths: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import copy
import http.server
import json
import re
import threading
import urllib.parse

import protobuf

KINDS = {
    "v1": {"Secret": "secrets", "Service": "services", "ServiceAccount": "serviceaccounts", "Pod": "pods", "ConfigMap": "configmaps"},
    "apps/v1": {"StatefulSet": "statefulsets"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"},
    "monitoring.coreos.com/v1": {"ServiceMonitor": "servicemonitors", "PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules"},
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
OBJECT = re.compile(r"^/(?:api/v1|apis/(?P<group>[^/]+/[^/]+))/namespaces/(?P<namespace>[^/]+)/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?$")
LOG = re.compile(r"^/api/v1/namespaces/[^/]+/pods/(?P<name>[^/]+)/log$")
# What may change of a StatefulSet. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
MAY_CHANGE = {
    "replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "revisionHistoryLimit",
}
# A watch ends when its client goes away, or when the cluster does.
WATCH_SECONDS_MAX = 60


class Cluster:
    """What is there, by group, kind, namespace and name. `asked` holds every request, for when something is not known."""

    def __init__(self):
        self.objects = {}
        self.asked = []
        self.pods_end = "Succeeded"
        self.by_hand = {}
        self.closed = threading.Event()
        self.lock = threading.Lock()
        self.version = 0
        handler = type("Handler", (Handler,), {"cluster": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()

    def of(self, resource):
        """All objects of a resource by their names."""
        with self.lock:
            return {key[3]: copy.deepcopy(thing) for key, thing in self.objects.items() if key[1] == resource}

    def write_by_hand(self, resource, name, field, value):
        """Somebody else changes a field of an object's data, and owns it from now on, as after `kubectl patch`."""
        with self.lock:
            key = next(key for key in self.objects if (key[1], key[3]) == (resource, name))
            self.by_hand[key] = field
            self.objects[key]["data"][field] = value

    def conflict(self, key, body, query):
        """Whether a server-side apply would take from another what is his. What is the same in both belongs to both."""
        field, there = self.by_hand.get(key), self.objects.get(key, {})
        return field and query.get("force") != "true" and body["data"][field] != there["data"][field]

    def keep(self, key, thing):
        self.version += 1
        if key[1] == "pods":
            thing["status"] = {"phase": self.pods_end}
        thing["metadata"].setdefault("uid", f"uid-{self.version}")
        thing["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = thing
        return thing


def laid_over(below, above):
    """A merge patch, which is enough for objects that nobody else changes. RFC 7396."""
    if not isinstance(above, dict):
        return above
    merged = dict(below) if isinstance(below, dict) else {}
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif not key.startswith("$"):
            merged[key] = laid_over(merged.get(key), value)
    return merged


def same_for_ever(thing):
    """What nobody may change of a StatefulSet."""
    return {field: value for field, value in thing["spec"].items() if field not in MAY_CHANGE}


def folder(version):
    return f"apis/{version}" if "/" in version else f"api/{version}"


def description(version):
    """As much of an OpenAPI document as tells Helm that the server checks fields itself; here the tests beside this one do."""
    group, _, number = version.rpartition("/")
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths = {
        f"/{folder(version)}/namespaces/{{namespace}}/{resource}/{{name}}": {
            "patch": {
                "parameters": [parameter],
                "responses": {},
                "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
            }
        }
        for kind, resource in KINDS[version].items()
    }
    return {"openapi": "3.0.0", "info": {"title": version, "version": number}, "paths": paths}


def fits(thing, selector):
    labels = thing["metadata"].get("labels", {})
    for term in filter(None, selector.split(",")):
        found = re.fullmatch(r"([^=! ]+) *(=|==|!=) *(.*)", term)
        assert found, f"the selector `{term}` is not known here"
        key, operator, value = found.groups()
        if (labels.get(key) == value) == (operator == "!="):
            return False
    return True


class Handler(http.server.BaseHTTPRequestHandler):
    """One request. Every answer is JSON."""

    cluster = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def refuse(self, status, reason, words):
        self.answer(status, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason, "message": words})

    def respond(self):
        address = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        is_binary = "protobuf" in self.headers.get("Content-Type", "")
        # What Helm asks to delete says nothing that counts here.
        body = None if self.command == "DELETE" else body and (protobuf.secret(body) if is_binary else json.loads(body))
        self.cluster.asked.append(f"{self.command} {self.path}")
        if log := LOG.match(address.path):
            return self.answer(200, f"the words of {log['name']}")
        found = OBJECT.match(address.path)
        if not found:
            return self.discover(address.path)
        version = found["group"] or "v1"
        resources = {resource: kind for kind, resource in KINDS.get(version, {}).items()}
        if found["resource"] not in resources:
            return self.refuse(404, "NotFound", f"there is no {found['resource']}")
        key = (version, found["resource"], found["namespace"], found["name"])
        query = dict(urllib.parse.parse_qsl(address.query))
        if "watch" in query:
            return self.watch(query)
        with self.cluster.lock:
            return self.act(key, resources[found["resource"]], body, query)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

    def watch(self, query):
        """Nothing ever happens: what there is to see is there from the first."""
        if "sendInitialEvents" in query:
            return self.refuse(422, "Invalid", "sendInitialEvents: forbidden, list instead")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.flush()
        self.cluster.closed.wait(WATCH_SECONDS_MAX)

    def discover(self, path):
        groups = [version.split("/") for version in KINDS if "/" in version]
        if path == "/version":
            return self.answer(200, {"major": "1", "minor": "37", "gitVersion": "v1.37.0"})
        if path == "/api":
            return self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            names = [(name, {"groupVersion": f"{name}/{version}", "version": version}) for name, version in groups]
            listed = [{"name": name, "versions": [version], "preferredVersion": version} for name, version in names]
            return self.answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in KINDS and path in (f"/api/{version}", f"/apis/{version}"):
            listed = [
                {"name": resource, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": VERBS}
                for kind, resource in KINDS[version].items()
            ]
            return self.answer(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed})
        if path == "/openapi/v3":
            paths = {folder(version): {"serverRelativeURL": f"/openapi/v3/{folder(version)}?hash={version}"} for version in KINDS}
            return self.answer(200, {"paths": paths})
        described = {f"/openapi/v3/{folder(version)}": version for version in KINDS}
        if path in described:
            return self.answer(200, description(described[path]))
        return self.refuse(404, "NotFound", "nothing is there")

    def act(self, key, kind, body, query):
        version, resource, namespace, name = key
        there = self.cluster.objects
        if name is None and self.command == "GET":
            wanted = [
                thing for other, thing in there.items()
                if other[:3] == key[:3] and fits(thing, query.get("labelSelector", ""))
            ]
            return self.answer(200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": wanted})
        if self.command == "POST":
            key = (version, resource, namespace, body["metadata"]["name"])
            if key in there:
                return self.refuse(409, "AlreadyExists", f"{key[3]} is there already")
            return self.answer(201, self.keep(key, body, query))
        if self.command == "PATCH" and "apply-patch" in self.headers["Content-Type"]:
            if self.cluster.conflict(key, body, query):
                return self.refuse(409, "Conflict", f"Apply failed with 1 conflict: conflict with \"kubectl-patch\" using v1: .data.{name}")
            if resource == "statefulsets" and key in there and same_for_ever(there[key]) != same_for_ever(body):
                return self.refuse(422, "Invalid", f"StatefulSet {name} is invalid: spec: Forbidden: updates to other fields are forbidden")
            return self.answer(200, self.keep(key, laid_over(kept_by_server(there.get(key)), body), query))
        if key not in there:
            return self.refuse(404, "NotFound", f"{resource} {name} is not there")
        if self.command == "GET":
            return self.answer(200, there[key])
        if self.command == "DELETE":
            gone = there.pop(key)
            return self.answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"uid": gone["metadata"]["uid"]}})
        changed = body if self.command == "PUT" else laid_over(there[key], body)
        return self.answer(200, self.keep(key, changed, query))

    def keep(self, key, thing, query):
        return thing if "dryRun" in query else self.cluster.keep(key, thing)


def kept_by_server(thing):
    """What outlives an apply by the only one who manages the object."""
    if thing is None:
        return {}
    return {"metadata": {"uid": thing["metadata"]["uid"]}}
