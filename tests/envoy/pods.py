"""Network namespaces as pods.

The script itself runs in a namespace of its own, the node, which holds a bridge and the daemon. A pod is one more
namespace, on a cable to that bridge, kept by a sleeping process; with a sidecar its traffic is redirected by the rules
that istio-init sets. These tell Envoy's own connections from the application's by user 1337; here there may be one user
only (unshare -Ur), so they go by a mark of that number, which Envoy sets on its sockets.
"""
import os
import subprocess

from lab import Envoy, wait_for

NODE_IP = "10.9.0.1"
MARK = 1337

# What `iptables -t nat` is told in a pod with a sidecar.
RULES = f"""
-N ISTIO_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-N ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-N ISTIO_INBOUND
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-N ISTIO_OUTPUT
-A OUTPUT -p tcp -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m mark --mark {MARK} -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m mark ! --mark {MARK} -j RETURN
-A ISTIO_OUTPUT -m mark --mark {MARK} -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
"""


def run(*argv, inside=()):
    subprocess.run([*inside, *argv], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_node():
    """Makes the script's own namespace the node."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "node0", "type", "bridge")
    run("ip", "address", "add", NODE_IP + "/16", "dev", "node0")
    run("ip", "link", "set", "node0", "up")


class Pod:
    """A pod of namespace `app`: a network namespace with `inside` as the prefix of what runs in it."""

    def __init__(self, lab, name, address):
        self.lab, self.name, self.address = lab, name, address
        own = os.readlink("/proc/self/ns/net")
        keeper = lab.start("pod-" + name, ["unshare", "--net", "sleep", "infinity"])
        namespace = f"/proc/{keeper.pid}/ns/net"
        wait_for("namespace of pod " + name, lambda: os.readlink(namespace) != own)
        self.inside = ["nsenter", "--net=" + namespace]
        cable = "pod-" + name
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(keeper.pid))
        run("ip", "link", "set", cable, "master", "node0", "up")
        for command in (f"address add {address}/16 dev eth0", "link set eth0 up", "link set lo up",
                        f"route add default via {NODE_IP}"):
            run("ip", *command.split(), inside=self.inside)

    def serve(self, peer, ports):
        self.server = self.lab.start("serve-" + self.name, [peer, "serve", self.name, *(f"0.0.0.0:{p}" for p in ports)],
                                     self.inside)

    def intercept(self):
        """Redirects the pod's traffic to the ports of its sidecar."""
        for rule in RULES.strip().splitlines():
            run("iptables", "-w", "-t", "nat", *rule.split(), inside=self.inside)

    def sidecar(self, binary, xds, sotw=False):
        """An Envoy for the pod, not started yet."""
        return Envoy(self.lab, binary, self.name + ".app", self.address, xds, self.inside, MARK, sotw)
