"""Changes of configuration while requests go on, none of which may fail."""
import time

from lab import wait_for
from mesh import HOST, PORTS, WEIGHTS, destination_rule, endpoint_slice, expect
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
