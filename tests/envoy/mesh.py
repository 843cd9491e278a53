"""The mesh that the tests share: pods frontend, v1, v2 and v3 in namespace app, the service `web` of the latter three,
sidecars on all but v3, and the daemon on a directory of YAML (mesh/ and what the tests write)."""
import contextlib
import glob
import os
import shutil
import subprocess

from lab import Daemon, Failure, Load, wait_for, write_file
from pods import NODE_IP, Pod, make_node

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "web.app.svc.cluster.local"
VIP = "10.96.0.10"
PORTS = {"http": 80, "h2c": 81, "grpc": 82, "tcp": 83}
ANY_PORT = 84
TARGETS = {"http": 8080, "http2": 8081, "grpc": 8082, "tcp": 8083, "any": 8084}
ADDRESSES = {"frontend": "10.9.1.1", "v1": "10.9.1.2", "v2": "10.9.1.3", "v3": "10.9.1.4"}
WEIGHTS = {"v1": 90, "v2": 10}
MESH_CONFIG = "enableAutoMtls: false\n"  # no node agent, so plain text


def virtual_service(weights, host="web"):
    """Traffic of `web` by weight of its subsets."""
    return f"""apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {host}, namespace: app}}
spec:
  hosts: [{host}]
  http:
  - route:
""" + "".join(f"    - {{destination: {{host: {host}, subset: {s}}}, weight: {w}}}\n" for s, w in weights.items())


def destination_rule(subsets):
    return """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: app}
spec:
  host: web
  subsets:
""" + "".join(f"  - {{name: {s}, labels: {{version: {s}}}}}\n" for s in subsets)


def endpoint_slice(pods):
    return """apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: app, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
""" + "".join(f"- {{addresses: [{ADDRESSES[p]}], conditions: {{ready: true}}, "
              f"targetRef: {{kind: Pod, name: {p}, namespace: app}}}}\n" for p in pods) + "ports:\n" + \
        "".join(f"- {{name: {name}, port: {port}, protocol: TCP}}\n" for name, port in TARGETS.items())


class Mesh:
    def __init__(self, lab, mainsheet, peer, envoy_binary):
        self.lab, self.peer, self.envoy_binary = lab, peer, envoy_binary
        make_node()
        os.mkdir(lab.path("config"))
        for source in glob.glob(HERE + "/mesh/*.yaml"):
            shutil.copy(source, lab.path("config"))
        self.default()
        self.daemon = Daemon(lab, mainsheet, lab.path("config"), lab.path("mesh"), NODE_IP + ":15010",
                             "127.0.0.1:8080", "127.0.0.1:15014")
        self.daemon.start()
        self.pods = {name: Pod(lab, name, address) for name, address in ADDRESSES.items()}
        for name in ("v1", "v2", "v3"):
            self.serve(name)
        self.envoys = [self.sidecar(name) for name in ("frontend", "v1", "v2")]
        for envoy in self.envoys:
            self.pods[envoy.name.split(".")[0]].intercept()
            envoy.start()

    @property
    def client(self):
        return self.envoys[0]

    def serve(self, pod):
        self.pods[pod].serve(self.peer, TARGETS.values())

    def sidecar(self, pod, sotw=False):
        return self.pods[pod].sidecar(self.envoy_binary, self.daemon.xds, sotw)

    # ---- configuration ----

    def put(self, name, *texts):
        write_file(self.lab.path("config/" + name), "".join(texts))

    def remove(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.lab.path("config/" + name))

    def default(self):
        """What each test finds: two versions, 90 to 10."""
        shutil.copy(HERE + "/mesh/web.yaml", self.lab.path("config"))
        self.put("../mesh", MESH_CONFIG)
        self.remove("wrong.yaml")
        self.remove("sidecar.yaml")
        self.put("endpoints.yaml", endpoint_slice(["v1", "v2"]))
        self.write_weights(WEIGHTS)

    def await_default(self):
        self.await_weights(WEIGHTS)
        self.await_endpoints(["v1", "v2"])

    def write_weights(self, weights):
        self.put("web-rules.yaml", virtual_service(weights), destination_rule(weights))

    def split(self, weights):
        """Sets the weights and waits until the client's Envoy has them."""
        self.write_weights(weights)
        self.await_weights(weights)

    def await_weights(self, weights):
        wait_for(f"route with weights {weights}", lambda: self.client.weights(HOST) == weights)

    def await_endpoints(self, pods):
        """Waits until the client's Envoy has exactly these pods in the cluster of port 80."""
        cluster, want = f"outbound|80||{HOST}::", {f"{ADDRESSES[p]}:8080" for p in pods}

        def have():
            rows = self.client.get("/clusters").splitlines()
            return {r.split("::")[1] for r in rows if r.startswith(cluster) and r.endswith("::canary::false")} == want
        wait_for(f"endpoints {pods}", have)

    # ---- traffic ----

    def load(self, protocol="http", port=None, n=0, per_second=0, authority="web", address=VIP):
        """A load client in the frontend's pod; n is 0 to go on until stop()."""
        return Load(self.lab, self.peer, protocol, f"{address}:{port or PORTS[protocol]}", authority, n,
                    per_second=per_second, inside=self.pods["frontend"].inside)

    def curl(self, path, *options, host="web", address=VIP):
        """One request from the frontend's pod: status, headers by lower-case name, body."""
        out = subprocess.run([*self.pods["frontend"].inside, "curl", "-si", "--path-as-is", "--max-time", "10", "-H",
                              "host: " + host, *options, f"http://{address}{path}"], capture_output=True, text=True)
        head, _, body = out.stdout.replace("\r", "").partition("\n\n")
        lines = head.split("\n")
        expect(lines[0].startswith("HTTP/1.1 "), f"curl {path} failed ({out.returncode}): {out.stdout}")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
        return int(lines[0].split()[1]), headers, body

    @contextlib.contextmanager
    def under_load(self, protocol="http", per_second=400):
        """Constant load around what is done inside; not one request may fail."""
        load = self.load(protocol, per_second=per_second)
        try:
            wait_for("first requests", self.first_requests())
            yield
        finally:
            counts = load.stop()
        expect(counts.errors == 0, f"failed requests under load: {counts}")
        expect(counts.answers > 20, f"hardly any load: {counts}")

    def first_requests(self):
        def total():
            return sum(self.client.stats(r"^http\.outbound_0.0.0.0_8.*downstream_rq_completed").values())
        before = total()
        return lambda: total() > before + 20

    # ---- what must hold after every test ----

    def check(self):
        for envoy in self.envoys:
            expect(not envoy.rejected(), f"{envoy.name} rejected: {envoy.rejected()}")
            expect(not envoy.warming(), f"{envoy.name} is still warming {envoy.warming()}")
            bad = [line for line in envoy.new_log().splitlines() if "][error]" in line or "][critical]" in line or
                   " rejected" in line]
            expect(not bad, f"{envoy.name} complains: {bad[:1]}")
        expect(self.daemon.metric("pilot_total_xds_rejects") == 0, "the daemon counts rejects")
        verify = self.daemon.verify()
        expect(verify["equal"], f"/debug/verify: {verify}")


def expect(condition, otherwise):
    if not condition:
        raise Failure(otherwise)
