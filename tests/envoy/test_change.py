"""Changes of configuration while requests go on, none of which may fail."""
import json
import time

from lab import wait_for
from mesh import HOST, MESH_CONFIG, PORTS, WEIGHTS, destination_rule, endpoint_slice, expect, virtual_service
from suite import test
from test_traffic import expect_split

ALL = ["v1", "v2", "v3"]


def settle():
    """Time for Envoy's workers to take over what its main thread shows."""
    time.sleep(0.3)


@test
def weights_change(mesh):
    with mesh.under_load():
        mesh.split({"v1": 20, "v2": 80})
        settle()
    expect_split(mesh.load(n=5000).done(), {"v1": 20, "v2": 80}, 4)


@test
def subset_comes_and_goes(mesh):
    """A subset and the route to it in one file, there and back; each kind of HTTP under load once."""
    three = {"v1": 40, "v2": 30, "v3": 30}
    mesh.put("endpoints.yaml", endpoint_slice(ALL))
    mesh.await_endpoints(ALL)
    for protocol in ("http", "h2c", "grpc"):
        with mesh.under_load(protocol):
            for weights in (three, WEIGHTS, three, WEIGHTS, three):
                mesh.split(weights)
                settle()
    expect_split(mesh.load(n=3000).done(), three)


def change_clusters(mesh):
    """A cluster that is replaced waits for endpoints that Envoy does not ask for a second time."""
    def timeouts():
        rows = [c["cluster"] for c in mesh.client.dump("dynamic_active_clusters")]
        return {c["connect_timeout"] for c in rows if c["name"].endswith(HOST) and c["name"].startswith("outbound")}
    for timeout in ("3s", "4s", "5s"):
        mesh.put("web-rules.yaml", virtual_service(WEIGHTS), destination_rule(WEIGHTS) +
                 f"  trafficPolicy: {{connectionPool: {{tcp: {{connectTimeout: {timeout}}}}}}}\n")
        wait_for(f"clusters with a timeout of {timeout}", lambda: timeouts() == {timeout})
        settle()


@test
def clusters_change(mesh):
    for protocol in ("http", "grpc"):
        with mesh.under_load(protocol):
            change_clusters(mesh)


@test
def listeners_change(mesh):
    """Every listener is replaced: connections are drained, not cut."""
    def logs():
        return "/dev/null" in json.dumps(mesh.client.dump("dynamic_listeners"))
    for protocol in ("http", "h2c"):
        with mesh.under_load(protocol):
            mesh.put("../mesh", MESH_CONFIG + "accessLogFile: /dev/null\n")
            wait_for("listeners with an access log", logs)
            settle()
            mesh.put("../mesh", MESH_CONFIG)
            wait_for("listeners without it", lambda: not logs())
            settle()


@test
def service_scales(mesh):
    """A pod joins, another leaves and is ended; nobody but the endpoints is updated."""
    mesh.put("web-rules.yaml")
    mesh.await_weights(None)
    mesh.await_endpoints(ALL[:2])
    others = "^(cluster_manager.cds|listener_manager.lds|http.*rds.*).update_success"
    before = mesh.client.stats(others)
    with mesh.under_load(per_second=1000):
        mesh.put("endpoints.yaml", endpoint_slice(ALL))
        mesh.await_endpoints(ALL)
        settle()
        mesh.put("endpoints.yaml", endpoint_slice(ALL[1:]))
        mesh.await_endpoints(ALL[1:])
        settle()
        mesh.lab.stop(mesh.pods["v1"].server)
        settle()
    counts = mesh.load(n=1000).done()
    mesh.serve("v1")
    expect(set(counts.ok) == {"v2", "v3"} and not counts.errors, f"after scaling: {counts}")
    expect(mesh.client.stats(others) == before, f"updates {before} became {mesh.client.stats(others)}")


@test
def route_deleted(mesh):
    """The VirtualService goes, with and without the subsets it used."""
    with mesh.under_load():
        mesh.put("web-rules.yaml", destination_rule(WEIGHTS))
        mesh.await_weights(None)
        settle()
        mesh.split(WEIGHTS)
        settle()
        mesh.remove("web-rules.yaml")
        mesh.await_weights(None)
        settle()
        mesh.split(WEIGHTS)
        settle()
    expect_split(mesh.load(n=1000).done(), WEIGHTS)


@test
def service_deleted(mesh):
    """What is gone is gone from Envoy as well, and comes back."""
    mesh.put("web-rules.yaml")
    mesh.remove("web.yaml")
    wait_for("no cluster of web", lambda: HOST not in mesh.client.get("/clusters"))
    mesh.default()
    mesh.await_weights(WEIGHTS)
    mesh.await_endpoints(ALL[:2])
    for protocol in PORTS:
        counts = mesh.load(protocol, n=50).done()
        expect(counts.answers == 50, f"{protocol} after the service came back: {counts}")
