"""Envoy and the daemon come and go."""
import time

from lab import wait_for
from mesh import WEIGHTS, expect
from suite import test
from test_change import change_clusters, settle
from test_traffic import expect_split


def connected(envoy):
    return envoy.stats("^control_plane.connected_state").get("control_plane.connected_state") == 1


def received(envoy):
    """When each resource was last received, and how often those of which there is no time."""
    times = {}
    for kind, name in (("dynamic_active_clusters", "cluster"), ("dynamic_route_configs", "route_config")):
        for row in envoy.dump(kind):
            times[row[name]["name"]] = row["last_updated"], row["version_info"]
    for row in envoy.dump("dynamic_listeners"):
        times[row["name"]] = row["active_state"]["last_updated"], row["active_state"]["version_info"]
    return times, envoy.stats("^cluster.outbound.*.update_success")


def differences(before, after):
    return {k: (before.get(k), after.get(k)) for k in {*before, *after} if before.get(k) != after.get(k)}


@test
def envoy_restarts(mesh):
    """An Envoy that dies is forgotten and, come back, served again; the others notice nothing."""
    others = [received(e) for e in mesh.envoys[1:]]
    mesh.client.kill()
    wait_for("the daemon to forget it", lambda: "frontend.app" not in mesh.daemon.status())
    mesh.client.start()
    mesh.await_weights(WEIGHTS)
    expect_split(mesh.load(n=1000).done(), WEIGHTS)
    expect(others == [received(e) for e in mesh.envoys[1:]], "other Envoys were updated")


def restart_daemon(mesh, meanwhile=lambda: None):
    """SIGKILL, some time without a daemon, and a new one, all under load."""
    with mesh.under_load():
        mesh.daemon.kill()
        wait_for("Envoys to notice", lambda: not any(map(connected, mesh.envoys)))
        meanwhile()
        time.sleep(0.5)
        mesh.daemon.start()
        wait_for("Envoys back", lambda: all(map(connected, mesh.envoys)), 40)
        wait_for("all in order", lambda: len(mesh.daemon.status()) == len(mesh.envoys) and
                 all(p["inOrder"] for p in mesh.daemon.status().values()))
        settle()


@test
def daemon_restarts(mesh):
    """Envoy keeps serving, and is not sent again what it has (an empty answer is no resource)."""
    before = [received(e) for e in mesh.envoys]
    restart_daemon(mesh)
    for envoy, (times, updates) in zip(mesh.envoys, before):
        new_times, new_updates = received(envoy)
        expect(new_times == times, f"{envoy.name} was sent again: {differences(times, new_times)}")
        expect(new_updates == updates, f"{envoy.name} was updated: {differences(updates, new_updates)}")


@test
def daemon_restarts_changed(mesh):
    """What changed while the daemon was away arrives with it, and nothing else."""
    weights = {"v1": 30, "v2": 70}
    before = received(mesh.client)[0]
    restart_daemon(mesh, lambda: mesh.write_weights(weights))
    mesh.await_weights(weights)
    changed = set(differences(before, received(mesh.client)[0]))
    ports = {"80", "81", "82", "web.app.svc.cluster.local:84"}
    expect(changed == ports, f"changed {changed}, expected the routes {ports}")
    expect_split(mesh.load(n=1000).done(), weights)


@test
def state_of_the_world(mesh):
    """The same without deltas."""
    mesh.client.kill()
    mesh.envoys[0] = mesh.sidecar("frontend", sotw=True)
    mesh.client.start()
    mesh.await_weights(WEIGHTS)
    expect_split(mesh.load(n=2000).done(), WEIGHTS)
    with mesh.under_load():
        change_clusters(mesh)
        mesh.split({"v1": 30, "v2": 70})
        settle()
    restart_daemon(mesh)
    expect_split(mesh.load(n=2000).done(), {"v1": 30, "v2": 70})
    mesh.check()
    mesh.client.kill()
    mesh.envoys[0] = mesh.sidecar("frontend")
    mesh.client.start()
