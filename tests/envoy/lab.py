"""What the demo and the Envoy tests share: processes that end with the script, the daemon, Envoys, load.

Every process is started through setpriv with a death signal, so that nothing outlives the script, however it ends.
"""
import contextlib
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failure(Exception):
    """What was expected and did not come, in words for a person."""


def wait_for(what, happens, seconds=20):
    """The first true result of happens(), which may fail with OSError until then."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            result = happens()
            if result:
                return result
        if time.monotonic() > end:
            raise Failure(f"no {what} within {seconds} s")
        time.sleep(0.02)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(where, path, accept=None):
    """Body of a GET from a "HOST:PORT" or a Unix socket."""
    kind = UnixConnection if where.startswith("/") else http.client.HTTPConnection
    with contextlib.closing(kind(where, timeout=10)) as connection:
        connection.request("GET", path, headers={"accept": accept} if accept else {})
        answer = connection.getresponse()
        body = answer.read().decode()
    if answer.status != 200:
        raise OSError(f"GET {path}: {answer.status} {body[:200]}")
    return body


def free_ports(n, address="127.0.0.1"):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind((address, 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def write_file(path, text):
    """Replaces a file the way editors and kubelets do: a watcher sees the old text or the new one."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


class Lab:
    """A temporary directory and the processes that work in it; both are gone when the `with` ends."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="mainsheet-")
        self.running = []
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, lambda *_: sys.exit(1))
        return self

    def __exit__(self, *_):
        for p in reversed(self.running):
            p.kill()
        for p in self.running:
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, argv, inside=(), **more):
        """`inside` is a prefix that enters a namespace. What the process prints goes to the file NAME.log."""
        with open(self.path(name + ".log"), "a") as log:
            p = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *inside, *argv],
                                 stdin=subprocess.DEVNULL, stderr=log,
                                 **{"stdout": log, **more})
        p.name = name
        self.running.append(p)
        return p

    def stop(self, process, how=signal.SIGTERM):
        """Returns what the process printed, when that was asked for."""
        process.send_signal(how)
        return self.finish(process)

    def finish(self, process, seconds=60):
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{process.name} did not end within {seconds} s")
        self.running.remove(process)
        return out

    def log(self, name):
        with open(self.path(name + ".log"), errors="replace") as f:
            return f.read()

    def last_words(self):
        """The end of what each process printed, for who has to find out why something failed."""
        text = ""
        for path in sorted(glob.glob(self.path("*.log"))):
            name = os.path.basename(path)[:-4]
            text += "".join(f"{name}: {line[:300]}\n" for line in self.log(name).splitlines()[-8:])
        return text


class Daemon:
    """mainsheet discovery on a directory of YAML."""

    def __init__(self, lab, binary, config, mesh, xds, http_address, monitoring):
        self.lab, self.binary = lab, binary
        self.xds, self.http, self.monitoring = xds, http_address, monitoring
        self.argv = [binary, "discovery", "--configDir", config, "--meshConfig", mesh, "--grpcAddr", xds,
                     "--httpAddr", http_address, "--monitoringAddr", monitoring, "--shutdownDuration", "1s"]

    def start(self):
        self.process = self.lab.start("mainsheet", self.argv)
        wait_for("ready daemon", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure("the daemon ended at its start")
        return get(self.http, "/ready") is not None

    def kill(self):
        self.lab.stop(self.process, signal.SIGKILL)

    def command(self, *argv):
        """Runs a command of the binary against the daemon."""
        return subprocess.run([self.binary, *argv, "--address", self.monitoring], text=True, capture_output=True)

    def metric(self, name):
        """The sum over all labels, 0 when there is none."""
        rows = re.findall(rf"^{name}(?:{{[^\n]*}})? (\S+)$", get(self.monitoring, "/metrics"), re.M)
        return sum(map(float, rows))

    def status(self):
        """Of each connected proxy, by name."""
        rows = json.loads(get(self.monitoring, "/proxy-status", "application/json"))
        return {row["proxy"]: row for row in rows}

    def status_text(self):
        return get(self.monitoring, "/proxy-status", "text/plain")

    def problems(self):
        return json.loads(get(self.monitoring, "/debug/configz?problems"))

    def verify(self):
        return json.loads(get(self.monitoring, "/debug/verify"))


def bootstrap(name, address, xds, admin, mark, sotw):
    """The least of istio-agent's bootstrap: a node, ADS from one plaintext cluster, an admin socket."""
    host, port = xds.rsplit(":", 1)
    pod, namespace = name.split(".")
    ads = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    manager = {}
    if mark:
        so_mark = {"level": 1, "name": 36, "int_value": mark, "state": "STATE_PREBIND"}
        manager = {"cluster_manager": {"upstream_bind_config": {"socket_options": [so_mark]}}}
    return {
        "node": {
            "id": f"sidecar~{address}~{name}~{namespace}.svc.cluster.local",
            "cluster": f"{pod}.{namespace}",
            "metadata": {"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "ISTIO_VERSION": "1.32.0",
                         "INSTANCE_IPS": address, "INTERCEPTION_MODE": "REDIRECT"},
        },
        "admin": {"address": {"pipe": {"path": admin}}},
        **manager,
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC" if sotw else "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {"clusters": [{
            "name": "xds-grpc",
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http2_protocol_options": {}},
                },
            },
            "load_assignment": {"cluster_name": "xds-grpc", "endpoints": [{"lb_endpoints": [{"endpoint": {
                "address": {"socket_address": {"address": host, "port_value": int(port)}}}}]}]},
        }]},
    }


class Envoy:
    """A stock Envoy as the sidecar of pod NAME.NAMESPACE. With a mark its own connections carry it (SO_MARK)."""

    def __init__(self, lab, binary, name, address, xds, inside=(), mark=0, sotw=False):
        self.lab, self.binary, self.name, self.inside = lab, binary, name, inside
        self.config, self.admin = lab.path(name + ".json"), lab.path(name + ".admin")
        self.log_seen = 0
        with open(self.config, "w") as f:
            json.dump(bootstrap(name, address, xds, self.admin, mark, sotw), f)

    def start(self):
        self.process = self.lab.start("envoy-" + self.name, [
            self.binary, "-c", self.config, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning",
            "--drain-time-s", "45", "--drain-strategy", "immediate"], self.inside)
        wait_for(f"live Envoy {self.name}", self.is_live, 30)

    def is_live(self):
        if self.process.poll() is not None:
            raise Failure(f"Envoy {self.name} ended")
        return self.get("/ready").strip() == "LIVE"

    def kill(self):
        self.lab.stop(self.process, signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.admin)

    def get(self, path):
        return get(self.admin, path)

    def log(self):
        return self.lab.log("envoy-" + self.name)

    def new_log(self):
        """What it has logged since the last call."""
        text = self.log()[self.log_seen:]
        self.log_seen += len(text)
        return text

    def dump(self, resource):
        return json.loads(self.get("/config_dump?resource=" + resource)).get("configs", [])

    def weights(self, host):
        """Weight of each subset in the first route of the virtual hosts named HOST:PORT, None when it has none."""
        for config in self.dump("dynamic_route_configs"):
            for vhost in config["route_config"].get("virtual_hosts", []):
                if vhost["name"].startswith(host + ":"):
                    route = vhost["routes"][0].get("route", {})
                    if "weighted_clusters" not in route:
                        return None
                    return {c["name"].split("|")[2]: c.get("weight", 0)
                            for c in route["weighted_clusters"]["clusters"]}
        return None

    def stats(self, pattern):
        rows = re.findall(r"^(.+): (\d+)$", self.get("/stats?usedonly&filter=" + pattern), re.M)
        return {name: int(value) for name, value in rows}

    def rejected(self):
        """What this Envoy has rejected, with its reasons: "" is what everyone wants."""
        counts = self.stats("update_rejected|lds.*rejected|rds.*rejected")
        return ", ".join(f"{k} {v}" for k, v in counts.items() if v)

    def warming(self):
        """Names of clusters and listeners that are not in force yet."""
        return ([c["cluster"]["name"] for c in self.dump("dynamic_warming_clusters")] +
                [x["name"] for x in self.dump("dynamic_listeners") if "warming_state" in x])


class Load:
    """A running `peer load`; done() or stop() give the counts."""

    def __init__(self, lab, peer, protocol, target, authority, n=0, connections=4, per_second=0, inside=()):
        self.lab = lab
        self.process = lab.start("load", [peer, "load", protocol, target, authority, str(n), str(connections),
                                          str(per_second)], inside, stdout=subprocess.PIPE, text=True)

    def done(self):
        return self.parse(self.lab.finish(self.process))

    def stop(self):
        return self.parse(self.lab.stop(self.process))

    def parse(self, out):
        if self.process.returncode:
            raise Failure(f"the load client failed ({self.process.returncode}): {self.lab.log('load')}")
        return Counts(out)


class Counts:
    def __init__(self, out):
        self.ok, self.bad = {}, {}
        for kind, n, what in (line.split(" ", 2) for line in out.splitlines()):
            (self.ok if kind == "ok" else self.bad)[what] = int(n)
        self.answers, self.errors = sum(self.ok.values()), sum(self.bad.values())
        self.requests = self.answers + self.errors

    def percent(self, name):
        return 100 * self.ok.get(name, 0) / max(self.answers, 1)

    def __str__(self):
        return ", ".join(f"{n} {what}" for what, n in [*self.ok.items(), *self.bad.items()])
