"""What a VirtualService, a DestinationRule, a ServiceEntry or a Sidecar promises, asked of an Envoy that has it.
The objects are those of mesh/features.yaml."""
import time

from lab import wait_for
from mesh import ADDRESSES, expect
from suite import test

PLAIN = "plain.app.svc.cluster.local"


def ask(mesh, path, *options, **more):
    return mesh.curl(path, *options, host="plain", **more)


def expect_from(answer, pod, what):
    expect(answer[0] == 200 and answer[2] == pod, f"{what}: {answer}, expected 200 from {pod}")


@test
def answers_of_envoy_itself(mesh):
    status, headers, _ = ask(mesh, "/old?q=1")
    expect(status == 308 and headers.get("location") == "http://example.org/new?q=1", f"redirect: {status} {headers}")
    status, _, body = ask(mesh, "/teapot/x")
    expect((status, body) == (418, "short and stout"), f"direct response: {status} {body}")
    status, _, body = ask(mesh, "/abort")
    expect((status, body) == (555, "fault filter abort"), f"abort: {status} {body}")
    start = time.monotonic()
    expect(ask(mesh, "/delay")[0] == 200 and time.monotonic() - start >= 0.3, "no delay")
    status, _, body = ask(mesh, "/wait")
    expect((status, body) == (504, "upstream request timeout"), f"timeout: {status} {body}")


@test
def rewrites(mesh):
    status, headers, body = ask(mesh, "/inner/a/b?c=d", "-H", "x-secret: hidden")
    lines = body.lower().splitlines()
    expect(status == 200 and headers.get("x-reply") == "three", f"response headers: {status} {headers}")
    expect(lines[0] == "get /show/a/b?c=d http/1.1", f"rewritten path: {body}")
    missing = {"host: inner.example", "x-set: one", "x-added: two"} - set(lines)
    expect(not missing and "hidden" not in body, f"request headers lack {missing}:\n{body}")
    _, _, body = ask(mesh, "/users/42")
    expect(body.startswith("GET /show/user-42 "), f"path rewritten by a pattern: {body}")


@test
def matches(mesh):
    for pod, what in (("v1", ["/"]), ("v1", ["/case"]), ("v1", ["/CaSe/x"]), ("v2", ["/", "-H", "x-user: john"]),
                      ("v1", ["/", "-H", "x-user: joe"]), ("v1", ["/", "-H", "x-user: john", "-H", "x-not: yes"]),
                      ("v2", ["/?version=two"]), ("v1", ["/?version=three"]), ("v2", ["/", "-X", "DELETE"])):
        expect_from(ask(mesh, *what), pod, f"request {what}")


@test
def retries(mesh):
    name = rf"^cluster\.outbound\|80\|v1\|{PLAIN};?\.upstream_rq_retry$"
    before = sum(mesh.client.stats(name).values())
    expect(ask(mesh, "/fail")[0] == 503, "a backend that always fails")
    retried = sum(mesh.client.stats(name).values()) - before
    expect(retried == 3, f"{retried} retries, expected 3")


@test
def mirrors(mesh):
    name = rf"^cluster\.outbound\|80\|v2\|{PLAIN};?\.upstream_rq_total$"
    before = sum(mesh.client.stats(name).values())
    for _ in range(5):
        expect_from(ask(mesh, "/mirror"), "v1", "mirrored request")
    wait_for("mirrored requests", lambda: sum(mesh.client.stats(name).values()) == before + 5, 3)


@test
def cors(mesh):
    preflight = ["-X", "OPTIONS", "-H", "access-control-request-method: PUT"]
    status, headers, _ = ask(mesh, "/cors", *preflight, "-H", "origin: https://good.example")
    expect(status == 200 and headers.get("access-control-allow-origin") == "https://good.example" and
           headers.get("access-control-max-age") == "3600", f"preflight: {status} {headers}")
    _, headers, _ = ask(mesh, "/cors", "-H", "origin: https://bad.example")
    expect("access-control-allow-origin" not in headers, f"foreign origin: {headers}")


@test
def sticky_sessions(mesh):
    pods = {}
    for user in range(16):
        pods[user] = {ask(mesh, "/sticky", "-H", f"x-user: {user}")[2] for _ in range(3)}
    expect(all(len(p) == 1 for p in pods.values()), f"a user went to two pods: {pods}")
    expect(len(set().union(*pods.values())) == 2, "all users went to one pod")


@test
def services_of_other_kinds(mesh):
    """Headless, ExternalName, ServiceEntry."""
    for pod in ("v1", "v2"):
        counts = mesh.load("tcp", 8083, n=20, address=ADDRESSES[pod]).done()
        expect(counts.ok == {pod: 20}, f"headless service, straight to {pod}: {counts}")
        expect_from(mesh.curl("/", host="peers", address=ADDRESSES[pod] + ":8080"), pod, f"headless HTTP to {pod}")
    expect_from(mesh.curl("/", host="alias.app"), "v1", "by the name of an ExternalName service")
    expect_from(mesh.curl("/", host="static.example.com"), "v3", "ServiceEntry with an address")
    mesh.lab.start("local", [mesh.peer, "serve", "local", "127.0.0.1:8089"], mesh.pods["frontend"].inside)
    wait_for("ServiceEntry with a name to resolve", lambda: mesh.curl("/", host="dns.example.com")[2] == "local")
    counts = mesh.load("tcp", 8083, n=20, address=ADDRESSES["v3"]).done()
    expect(counts.ok == {"v3": 20}, f"ServiceEntry without resolution: {counts}")
    passed = mesh.client.stats(r"^cluster\.outbound\|8083\|\|none\.example\.com;?\.upstream_cx_total$")
    expect(sum(passed.values()) == 20, f"it did not go through the cluster of the ServiceEntry: {passed}")


@test
def registry_only(mesh):
    """A Sidecar closes the way out, and what it does not import is not there."""
    expect(mesh.curl("/", host="unknown.example", address=ADDRESSES["v3"] + ":8080")[0] == 200, "open at first")
    mesh.put("sidecar.yaml", """apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: app}
spec:
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
  egress: [{hosts: [./plain.app.svc.cluster.local]}]
""")
    wait_for("clusters to go", lambda: "outbound|80||web." not in mesh.client.get("/clusters"))
    wait_for("block", lambda: mesh.curl("/", host="unknown.example")[0] == 502)
    expect(mesh.curl("/")[0] == 502, "web is not imported")
    expect_from(ask(mesh, "/"), "v1", "the imported service")
    mesh.remove("sidecar.yaml")
    wait_for("web to come back", lambda: mesh.curl("/")[0] == 200)
