#!/usr/bin/env python3
"""Compares xds/proto with upstream: every field, enum value and oneof we kept must have upstream's number, type and label.

	trimmed-proto.py [UPSTREAM ...]

An UPSTREAM is a descriptor set (protoc --descriptor_set_out --include_imports), or a directory of Go code generated from
upstream's protos, whose descriptors are read out of it. Without arguments the modules that the Go cache holds are taken
(`go mod download` of the ones in MODULES); if there are none, only google/protobuf is compared and the rest is skipped.
"""
import ast
import glob
import os
import re
import subprocess
import sys
import tempfile

MODULES = ["github.com/envoyproxy/go-control-plane/envoy", "github.com/envoyproxy/go-control-plane/contrib",
           "github.com/cncf/xds/go", "istio.io/api", "istio.io/istio", "go.opentelemetry.io/proto/otlp",
           "google.golang.org/genproto/googleapis/rpc"]
PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "xds", "proto")


def varint(b, i):
    v = shift = 0
    while True:
        v |= (b[i] & 0x7F) << shift
        shift += 7
        i += 1
        if not b[i - 1] & 0x80:
            return v, i


def fields(b):
    """The fields of one message: number -> values, numbers as int and everything else as bytes."""
    out, i = {}, 0
    while i < len(b):
        tag, i = varint(b, i)
        if tag & 7 == 0:
            v, i = varint(b, i)
        elif tag & 7 == 2:
            n, i = varint(b, i)
            v, i = b[i:i + n], i + n
        else:
            n = 8 if tag & 7 == 1 else 4
            v, i = b[i:i + n], i + n
        out.setdefault(tag >> 3, []).append(v)
    return out


def one(m, number, default=0):
    return m[number][-1] if number in m else default


def text(m, number):
    return one(m, number, b"").decode()


class Types:
    """What is compared, as sets of tuples: a name may have been defined in several upstream files."""

    def __init__(self):
        self.messages, self.enums, self.seen = {}, {}, set()

    def add_set(self, raw):
        for f in fields(raw).get(1, []):
            self.add_file(f)

    def add_file(self, raw):
        if raw in self.seen:
            return
        self.seen.add(raw)
        f = fields(raw)
        package = text(f, 2)
        for m in f.get(4, []):
            self.add_message(package, fields(m))
        for e in f.get(5, []):
            self.add_enum(package, fields(e))

    def add_enum(self, scope, e):
        values = self.enums.setdefault(scope + "." + text(e, 1), set())
        for v in map(fields, e.get(2, [])):
            values.add((text(v, 1), one(v, 2)))

    def add_message(self, scope, m):
        name = scope + "." + text(m, 1)
        oneofs = [text(fields(o), 1) for o in m.get(8, [])]
        out = self.messages.setdefault(name, set())
        for f in map(fields, m.get(2, [])):
            member = oneofs[f[9][0]] if 9 in f else ""
            # protoc-c knows no proto3 optional: we write a oneof of one, NAME_opt, which is the same on the wire.
            if one(f, 17) or member == text(f, 1) + "_opt":
                member = "optional"
            out.add((text(f, 1), one(f, 3), "label %d" % one(f, 4), "type %d" % one(f, 5), text(f, 6), member))
        for n in m.get(3, []):
            self.add_message(name, fields(n))
        for e in m.get(4, []):
            self.add_enum(name, fields(e))


def go_descriptors(path):
    """The serialised descriptors inside generated Go code, which has them as string or byte literals."""
    code = open(path, encoding="utf8").read()
    m = re.search(r'const file_\w+_rawDesc = ((?:"" \+\n)?(?:\t?"(?:[^"\\\n]|\\.)*"(?: \+)?\n)+)', code)
    if m:
        parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', m.group(1))
        escaped = "".join(c if ord(c) < 128 else "".join("\\x%02x" % b for b in c.encode()) for c in "".join(parts))
        return ast.literal_eval('b"' + escaped + '"')
    m = re.search(r"var file_\w+_rawDesc = (?:string\()?\[\]byte\{([^}]*)\}", code)
    return bytes(int(x, 16) for x in re.findall(r"0x[0-9a-f]{2}", m.group(1))) if m else None


def add_upstream(types, path):
    if os.path.isfile(path):
        types.add_set(open(path, "rb").read())
        return
    for d, _, names in os.walk(path):
        for n in names:
            raw = go_descriptors(os.path.join(d, n)) if n.endswith(".pb.go") else None
            if raw:
                types.add_file(raw)


def cached_modules():
    try:
        cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return []
    newest = lambda d: [int(x) for x in re.findall(r"\d+", d.rpartition("@")[2])]
    return [d for m in MODULES for d in sorted(glob.glob(os.path.join(cache, m + "@*")), key=newest)[-1:]]


def descriptor_set(root, files):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", "-I" + root, "-I/usr/include", "--descriptor_set_out=" + out.name] + files, check=True)
        return out.read()


def compare(kind, ours, theirs, complain):
    n = 0
    for name in sorted(ours):
        if name not in theirs:
            complain("%s %s is not upstream's" % (kind, name))
            continue
        for row in sorted(ours[name] - theirs[name]):
            near = [t for t in theirs[name] if t[0] == row[0]]
            complain("%s: ours %s, upstream %s" % (name, row, near or "has none"))
        n += len(ours[name])
    return n


def main():
    ours, theirs = Types(), Types()
    ours.add_set(descriptor_set(PROTO, sorted(glob.glob(os.path.join(PROTO, "*.proto")))))
    theirs.add_set(descriptor_set("/usr/include", sorted(glob.glob("/usr/include/google/protobuf/*.proto"))))
    upstream = sys.argv[1:] or cached_modules()
    for path in upstream:
        add_upstream(theirs, path)
    if not upstream:
        for table in ours.messages, ours.enums:
            for name in [n for n in table if not n.startswith("google.protobuf.")]:
                del table[name]
    complaints = []
    n = compare("message", ours.messages, theirs.messages, complaints.append)
    n += compare("enum", ours.enums, theirs.enums, complaints.append)
    for c in complaints:
        print("xds/proto:", c)
    print("trimmed-proto: %d fields and enum values compared, %d differ%s" %
          (n, len(complaints), "" if upstream else "; skipped all but google.protobuf: no upstream copy at hand"))
    return 1 if complaints else 0


sys.exit(main())
