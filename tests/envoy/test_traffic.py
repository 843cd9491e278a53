"""What traffic does once everything is in force."""
import math

from lab import wait_for
from mesh import ANY_PORT, HOST, PORTS, VIP, WEIGHTS, ADDRESSES, expect, virtual_service
from suite import test


def expect_split(counts, weights, deviations=5):
    """Within so many standard deviations of the weights, and no failure."""
    expect(counts.errors == 0, f"failed requests: {counts}")
    total = sum(weights.values())
    for name, weight in weights.items():
        p, got = weight / total, counts.ok.get(name, 0)
        room = deviations * math.sqrt(counts.answers * p * (1 - p))
        expect(abs(got - counts.answers * p) <= room,
               f"{name} got {got} of {counts.answers}, expected {counts.answers * p:.0f} +- {room:.0f}")


@test
def everything_in_force(mesh):
    """All is synced on both sides: what the daemon believes and what Envoy has."""
    wait_for("all proxies in order", lambda: all(p["inOrder"] for p in mesh.daemon.status().values()))
    expect(set(mesh.daemon.status()) == {"frontend.app", "v1.app", "v2.app"}, f"proxies {list(mesh.daemon.status())}")
    listeners = {x["name"] for x in mesh.client.dump("dynamic_listeners") if "active_state" in x}
    missing = {"virtualOutbound", "virtualInbound", "0.0.0.0_80", "0.0.0.0_81", "0.0.0.0_82", f"{VIP}_83",
               f"{VIP}_84"} - listeners
    expect(not missing, f"listeners {missing} are not active")
    expect(not mesh.daemon.problems(), f"problems: {mesh.daemon.problems()}")


@test
def split_by_weights(mesh):
    expect_split(mesh.load(n=5000).done(), WEIGHTS, 4)


@test
def protocols(mesh):
    """Every protocol through both sidecars, declared and detected; requests of HTTP kinds are split by the weights, raw
    connections over all pods."""
    even = {"v1": 1, "v2": 1}
    for protocol in PORTS:
        expect_split(mesh.load(protocol, n=1000).done(), even if protocol == "tcp" else WEIGHTS)
        expect_split(mesh.load(protocol, ANY_PORT, n=1000).done(), even if protocol == "tcp" else WEIGHTS)
    for envoy in mesh.envoys[1:]:
        for port in (8080, 8081, 8082, 8083, 8084):
            name = rf"^cluster\.inbound\|{port}\|\|;?\.upstream_cx_total"
            expect(sum(envoy.stats(name).values()) > 0, f"{envoy.name} saw nothing on its port {port}")


@test
def explained(mesh):
    """A virtual host that Envoy has leads back to its objects and where they are written, and an object to it."""
    out = mesh.daemon.command("explain", "--proxy", "frontend.app", f"vhost/80/{HOST}:80")
    places = dict(line.rsplit(" ", 1) for line in out.stdout.splitlines())
    expect(out.returncode == 0, f"explain: {out}")
    expect({"Service app/web", "VirtualService app/web"} <= set(places), f"explain: {out.stdout}")
    expect(all(".yaml:" in place for place in places.values()), f"explain: {out.stdout}")
    out = mesh.daemon.command("impact", "VirtualService/app/web")
    expect(out.returncode == 0 and f"frontend.app vhost 80/{HOST}:80" in out.stdout.splitlines(), f"impact: {out}")
    out = mesh.daemon.command("explain", "--proxy", "frontend.app", "cluster/nosuch")
    expect(out.returncode == 1, f"explain of nothing: {out}")


@test
def straight_to_a_pod(mesh):
    """Addresses that are no service's pass: to a pod with a sidecar and to one without."""
    for pod in ("v2", "v3"):
        counts = mesh.load(port=8080, n=50, address=ADDRESSES[pod]).done()
        expect(counts.ok == {pod: 50}, f"straight to {pod}: {counts}")


@test
def missing_subset(mesh):
    """Answered with 503, and whoever asks for the status is told which object is at fault."""
    mesh.put("wrong.yaml", virtual_service({"nowhere": 100}))
    mesh.put("web-rules.yaml")
    wait_for("route to the missing subset", lambda: f"outbound|80|nowhere|{HOST}" in
             mesh.client.get("/config_dump?resource=dynamic_route_configs"))
    counts = mesh.load(n=50).done()
    expect(counts.bad == {"503": 50}, f"requests to a missing subset: {counts}")
    status = mesh.daemon.status_text()
    expect("wrong.yaml" in status and "VirtualService app/web" in status and "nowhere" in status,
           f"/proxy-status does not name it:\n{status}")
