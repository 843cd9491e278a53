#!/usr/bin/env python3
"""Writes the mesh of the load tests: one object a file.

	mesh.py DIR SERVICES ENDPOINTS VIRTUAL_SERVICES all|own

ServiceEntries (MESH_INTERNAL, STATIC) with an HTTP and a TCP port, ten in a namespace; for some hosts a VirtualService
(90/10 over two subsets) and a DestinationRule. With `own` a Sidecar in each namespace: the namespace itself and five
hosts that all share. The files that the load client edits: vs-0.yaml and se-0.yaml (of a host that all see; endpoints
come last in the file, so that one more is appended), and probe.yaml, which concerns no proxy.
"""
import os
import sys

PER_NAMESPACE, SHARED = 10, 5


def namespace(i):
    return f"ns-{i // PER_NAMESPACE}"


def host(i):
    return f"svc-{i}.{namespace(i)}." + os.environ.get("SUFFIX", "svc.cluster.local")


def ip(first, i):
    return f"{first}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def head(api, kind, name, ns):
    return f"apiVersion: {api}.istio.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {ns}\nspec:\n"


def service_entry(i, n_endpoints):
    text = head("networking", "ServiceEntry", f"svc-{i}", namespace(i))
    text += f"  hosts: [{host(i)}]\n  addresses: [{ip(172, (20 << 16) + i + 1)}]\n"
    text += "  location: MESH_INTERNAL\n  resolution: STATIC\n  ports:\n"
    text += "  - {number: 80, name: http, protocol: HTTP}\n  - {number: 9000, name: tcp, protocol: TCP}\n"
    text += "  endpoints:\n"
    for k in range(n_endpoints):
        text += f"  - address: {ip(10, i * n_endpoints + k + 1)}\n"
        text += f"    labels: {{app: svc-{i}, version: v{1 + k % 2}}}\n"
    return text


def virtual_service(name, ns, h, extra=""):
    return head("networking", "VirtualService", name, ns) + extra + f"""  hosts: [{h}]
  http:
  - route:
    - destination: {{host: {h}, subset: v1}}
      weight: 90
    - destination: {{host: {h}, subset: v2}}
      weight: 10
"""


def destination_rule(i):
    text = head("networking", "DestinationRule", f"svc-{i}", namespace(i)) + f"  host: {host(i)}\n  subsets:\n"
    return text + "".join(f"  - name: {v}\n    labels: {{version: {v}}}\n" for v in ("v1", "v2"))


def sidecar(ns, shared):
    hosts = ["./*"] + [f"{namespace(i)}/{host(i)}" for i in shared]
    return head("networking", "Sidecar", "default", ns) + "  egress:\n  - hosts:\n" + \
        "".join(f"    - {h}\n" for h in hosts)


def main():
    to, s, e, v, scope = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    os.makedirs(to, exist_ok=True)

    def write(name, text):
        with open(os.path.join(to, name), "w") as f:
            f.write(text)

    routed = range(0, s, max(s // v, 1))[:v] if v else []
    for i in range(s):
        write(f"se-{i}.yaml", service_entry(i, e))
    for i in routed:
        write(f"vs-{i}.yaml", virtual_service(f"svc-{i}", namespace(i), host(i)))
        write(f"dr-{i}.yaml", destination_rule(i))
    if scope == "own":
        shared = range(0, s, PER_NAMESPACE)[:SHARED]
        for i in range(0, s, PER_NAMESPACE):
            write(f"sidecar-{i // PER_NAMESPACE}.yaml", sidecar(namespace(i), shared))
    write("probe.yaml", virtual_service("probe", "probe", "probe.mesh", '  exportTo: ["."]\n'))


main()
