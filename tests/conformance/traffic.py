"""The sets of tests/conformance/run about traffic: objects and a proxy in, and what is asked of the configuration that
`mainsheet render` prints for it. Each set is a generator of (case, came out as expected, what did not).
"""
import collections
import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import yaml

METADATA = {'Labels': 'LABELS', 'Namespace': 'NAMESPACE', 'ClusterID': 'CLUSTER_ID', 'DNSCapture': 'DNS_CAPTURE',
            'DNSAutoAllocate': 'DNS_AUTO_ALLOCATE'}
TYPES = 'clusters', 'listeners', 'routes', 'endpoints'


class Data:
    """The folder, and the commands that are tried on it."""

    def __init__(self, folder, mainsheet):
        self.folder, self.mainsheet = folder, mainsheet
        spec = importlib.util.spec_from_file_location('simulate', os.path.join(folder, 'simulate.py'))
        self.simulate = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.simulate)

    def cases(self, path):
        with open(os.path.join(self.folder, path)) as f:
            return json.load(f)['cases']

    def objects(self, folder, files):
        for name in files:
            with open(os.path.join(self.folder, folder, name)) as f:
                for d in yaml.safe_load_all(f):
                    if d and d['kind'] == 'VirtualService':
                        complete_hosts(d['spec'], d['metadata'].get('namespace', 'default'))
                    if d:
                        yield d

    def render(self, objects, proxy, mesh=None, flags=None):
        with tempfile.TemporaryDirectory() as tmp:
            put(tmp, 'input.yaml', yaml.safe_dump_all(objects))
            put(tmp, 'node.json', json.dumps(node(proxy)))
            put(tmp, 'mesh.yaml', yaml.safe_dump(mesh or {}))
            p = subprocess.run([self.mainsheet, 'render', '-o', 'json-compact'] + [
                w for flag, name in (('-f', 'input.yaml'), ('--node', 'node.json'), ('--meshConfig', 'mesh.yaml'))
                for w in (flag, os.path.join(tmp, name))], env=environment(flags), capture_output=True, text=True, timeout=60)
        if not p.stdout:
            raise Failed('render: exit code %d: %s' % (p.returncode, p.stderr[-500:]))
        config = json.loads(p.stdout)
        config['problems'] = p.stderr
        return config

    def case(self, folder, c, proxy):
        return self.render(self.objects(folder, c['files']), proxy, c.get('mesh_config'), c.get('feature_flags'))


class Failed(Exception):
    pass


def complete_hosts(at, ns):
    """Short names of destinations, as the test server that the cases come from completes them: its objects have no domain."""
    if isinstance(at, list):
        for x in at:
            complete_hosts(x, ns)
    elif isinstance(at, dict):
        for k, x in at.items():
            if k == 'destination' and '.' not in x['host']:
                x['host'] += '.' + ns
            else:
                complete_hosts(x, ns)


def put(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def environment(flags):
    env = dict(os.environ, PILOT_ENABLE_IP_AUTOALLOCATE='false')
    for f in (flags or {}).values():
        if f['env']:
            env[f['env']] = str(f['value']).lower()
    return env


def node(proxy):
    ns = proxy.get('metadata_namespace') or proxy['config_namespace']
    metadata = {'CLUSTER_ID': 'Kubernetes', 'INSTANCE_IPS': ','.join(proxy['ip_addresses']), 'NAMESPACE': ns,
                'ISTIO_VERSION': proxy.get('istio_version', '1.23.0'), 'LABELS': proxy.get('labels', {})}
    for k, v in proxy.get('metadata', {}).items():
        metadata[METADATA.get(k, k)] = str(v).lower() if isinstance(v, bool) else v
    domain = proxy.get('dns_domain') or proxy['config_namespace'] + '.svc.cluster.local'
    return {'id': '~'.join((proxy['type'], proxy['ip_addresses'][0], proxy['id'], domain)), 'metadata': metadata}


def reported(run):
    """A case function that raises Failed, as (case, ok, why)."""
    def cases(data):
        for c, check in run(data):
            try:
                check()
                yield c['id'], True, ''
            except Failed as e:
                yield c['id'], False, str(e)
    return cases


def named(config, kind, name):
    for r in config[kind]:
        if r.get('clusterName' if kind == 'endpoints' else 'name') == name:
            return r
    return None


def expect(want, got, what):
    if want != got:
        raise Failed('%s: is %s, should be %s' % (what, json.dumps(got), json.dumps(want)))


# ---- simulation: calls through a simulated Envoy ----

@reported
def simulation(data):
    for c in data.cases('simulation/index.json'):
        def check(c=c):
            with tempfile.TemporaryDirectory() as tmp:
                config = data.case('simulation', c, c['proxy'])
                path = put(tmp, 'config.json', json.dumps({k: config[k] for k in TYPES}))
                p = subprocess.run(['python3', os.path.join(data.folder, 'simulate.py'), c['id'], path], capture_output=True,
                                   text=True, timeout=60)
            if p.returncode:
                bad = [l for l in (p.stdout + p.stderr[-500:]).splitlines() if not l.startswith('ok ')]
                raise Failed('\n    '.join(bad + config['problems'].splitlines()))
        yield c, check


@reported
def routes(data):
    for c in data.cases('simulation/routes-index.json'):
        def check(c=c):
            config = data.case('simulation', c, c['proxy'])
            hosts = (named(config, 'routes', c['route_config']) or {}).get('virtualHosts', [])
            for domain, want in c['expect_virtual_hosts'].items():
                got = sorted(r['route']['cluster'] for h in hosts if domain in h['domains']
                             for r in h.get('routes', []) if r.get('route', {}).get('cluster'))
                expect(want, got or None, domain)
        yield c, check


def service_objects(c):
    """The services and instances of the proxy as Kubernetes has them: its pod is what a selector picks."""
    address = c['proxy']['ip_addresses'][0]
    yield {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'app', 'namespace': 'test', 'labels': {'app': 'app'}},
           'status': {'podIP': address, 'phase': 'Running', 'conditions': [{'type': 'Ready', 'status': 'True'}]}}
    for s in c['services']:
        name, ns = s['hostname'].split('.')[:2]
        mine = [i for i in c['instances'] if i['service'] == s['hostname']]
        target = {i['port']: i['target_port'] for i in mine}
        yield {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name, 'namespace': ns},
               'spec': {'clusterIP': s['address'], 'selector': {'app': 'app' if mine else 'none'}, 'ports': [
                   {'name': p['name'], 'port': p['port'], 'appProtocol': p['protocol'].lower(),
                    'targetPort': target.get(p['port'], p['port'])} for p in s['ports']]}}
        if mine:
            yield {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'addressType': 'IPv4',
                   'metadata': {'name': name, 'namespace': ns, 'labels': {'kubernetes.io/service-name': name}},
                   'ports': [{'name': i['port_name'], 'port': i['target_port']} for i in mine],
                   'endpoints': [{'addresses': [address], 'conditions': {'ready': True},
                                  'targetRef': {'kind': 'Pod', 'name': 'app', 'namespace': 'test'}}]}
    yield from c['configs']


def address_of(endpoint):
    address = endpoint['endpoint']['address']
    if 'pipe' in address:
        return address['pipe']['path']
    if 'envoyInternalAddress' in address:
        a = address['envoyInternalAddress']
        return ';'.join(x for x in (a['serverListenerName'], a.get('endpointId')) if x)
    a = address['socketAddress']
    return '%s:%d' % ('[%s]' % a['address'] if ':' in a['address'] else a['address'], a['portValue'])


def addresses(assignment):
    return [address_of(e) for l in (assignment or {}).get('endpoints', []) for e in l.get('lbEndpoints', [])]


@reported
def inbound_clusters(data):
    for c in data.cases('simulation/inbound-clusters-index.json'):
        def check(c=c):
            if not c['expressible_as_kubernetes']:
                raise Failed('not to be said in objects of Kubernetes')
            proxy = dict(c['proxy'], labels={'app': 'app'})
            config = data.render(service_objects(c), proxy, c['mesh_config'])
            found = {k['name']: k for k in config['clusters'] if k['name'].startswith('inbound|')}
            expect({k: v for k, v in c['expect']['clusters'].items()},
                   {n: addresses(k['loadAssignment']) if 'loadAssignment' in k else None for n, k in found.items()}, 'clusters')
            for name, hosts in c['expect']['telemetry_services'].items():
                istio = found[name].get('metadata', {}).get('filterMetadata', {}).get('istio', {})
                expect(hosts, [s['host'] for s in istio.get('services', [])], 'services of ' + name)
            for name in found:
                got = data.simulate.run(data.simulate.snake(config), {
                    'address': c['proxy']['ip_addresses'][0], 'port': int(name.split('|')[1]), 'protocol': 'http',
                    'call_mode': 'inbound'})
                expect((None, name), (got.get('error'), got.get('cluster')), 'a call')
        yield c, check


# ---- checks that were written down in words ----

def at_least_listeners(n, port):
    def check(data, c, config):
        ports = [l.get('address', {}).get('socketAddress', {}).get('portValue') for l in config['listeners']]
        if ports.count(int(port)) < int(n):
            raise Failed('%d listeners of port %s' % (ports.count(int(port)), port))
    return check


def cluster_shape(name, kind, n_groups, n_endpoints):
    def check(data, c, config):
        k = named(config, 'clusters', name) or {}
        expect(kind, k.get('type'), 'type')
        expect([int(n_endpoints)] * int(n_groups),
               [len(g['lbEndpoints']) for g in k.get('loadAssignment', {}).get('endpoints', [])], 'groups')
    return check


def failover(label, value, setting, n_groups, first, second):
    def check(data, c, config):
        objects = list(data.objects('simulation', c['files']))
        hosts = [h for o in objects if o['kind'] == 'ServiceEntry' for h in o['spec']['hosts']]
        rule = {'apiVersion': 'networking.istio.io/v1', 'kind': 'DestinationRule', 'metadata': {'name': 'outliers'},
                'spec': {'host': hosts[0], 'trafficPolicy': {'outlierDetection': {'consecutive5xxErrors': 1}}}}
        again = data.render(objects + [rule], dict(c['proxy'], labels={label: value}),
                            {'localityLbSetting': {'failoverPriority': [setting]}}, c['feature_flags'])
        groups = named(again, 'clusters', 'outbound|443||' + hosts[0])['loadAssignment']['endpoints']
        expect([[first, 0], [second, 1]], [[addresses({'endpoints': [g]})[0].split(':')[0], g.get('priority', 0)] for g in groups],
               'groups')
    return check


IN_WORDS = (
    (r'at least (\d+) listeners have socket port (\d+)', at_least_listeners),
    (r'cluster "(.*)" has type (\w+), with (\d+) locality group of (\d+) endpoints', cluster_shape),
    (r'for a proxy with label (\w+)=(\w+) and meshConfig.localityLbSetting.failoverPriority=\[(\w+)\] .*: '
     r'(\d+) groups, (\S+) priority 0 and (\S+) priority 1', failover),
)


@reported
def structural(data):
    for c in data.cases('simulation/structural-index.json'):
        def check(c=c):
            config = data.case('simulation', c, c['proxy'])
            for words in c['checks']:
                known = [(f, re.fullmatch(pattern, words)) for pattern, f in IN_WORDS]
                if not any(m for _, m in known):
                    raise Failed('no check is written for: ' + words)
                for f, m in known:
                    if m:
                        f(*m.groups())(data, c, config)
        yield c, check


# ---- xds-* ----

@reported
def sans(data):
    for c in data.cases('xds/san-index.json'):
        def check(c=c):
            config = data.case('xds', c, c['proxy'])
            k = named(config, 'clusters', c['cluster']) or {}
            sockets = [k['transportSocket']] if 'transportSocket' in k else [
                m['transportSocket'] for m in k.get('transportSocketMatches', [])]
            found = set()
            for s in sockets:
                tls = s.get('typedConfig', {}).get('commonTlsContext', {})
                context = tls.get('combinedValidationContext', {}).get('defaultValidationContext') or tls.get('validationContext', {})
                found |= {m['exact'] for m in context.get('matchSubjectAltNames', [])}
            expect(sorted(c['expect_sans']), sorted(found), 'SANs')
        yield c, check


@reported
def name_table(data):
    for c in data.cases('xds/nds-index.json'):
        def check(c=c):
            proxy = {'type': 'sidecar', 'id': 'app.default', 'config_namespace': 'default', 'ip_addresses': ['1.1.1.1'],
                     'metadata': c['metadata']}
            config = data.render(data.objects('xds', [c['config']]), proxy, None, c['feature_flags'])
            expect(c['expect_table'], config['nametable'].get('table', {}), 'table')
        yield c, check


EXPRESSIONS = (
    (r'xdstest\.ExtractLoadAssignments\(endpoints\(proxy(\d)\)\)\[\'(.*)\'\]',
     lambda config, name: addresses(named(config, 'endpoints', name))),
    (r'xdstest\.ExtractEndpoints\(endpoints\(proxy(\d)\)\[(\d)\]\)',
     lambda config, i: addresses((config['endpoints'] + [None] * 9)[int(i)])),
    (r'xdstest\.ExtractClusterEndpoints\(clusters\(proxy(\d)\)\)\[\'(.*)\'\]',
     lambda config, name: addresses((named(config, 'clusters', name) or {}).get('loadAssignment'))),
    (r'xdstest\.ExtractListenerNames\(listeners\(proxy(\d)\)\)', lambda config: [l['name'] for l in config['listeners']]),
    (r'\(xdstest\.ExtractHTTPConnectionManager\(xdstest\.ExtractFilterChain\(model\.BuildSubsetKey\(\'(.*)\', \'(.*)\', '
     r'\'(.*)\', (\d+)\), xdstest\.ExtractListener\(\'(.*)\', listeners\(proxy(\d)\)\)\)\)\.(\S+) (==|!=) nil\)', None),
)


def evaluate(configs, expression):
    for pattern, value in EXPRESSIONS:
        m = re.fullmatch(pattern, expression)
        if m and value:
            return value(configs[int(m.group(1)) - 1], *m.groups()[1:])
        if m:
            return has_field(configs[int(m.group(6)) - 1], *m.group(1, 2, 3, 4, 5, 7, 8))
    raise Failed('no check is written for: ' + expression)


def has_field(config, direction, subset, host, port, listener, path, operator):
    """Of the connection manager of one filter chain: is a field there (!=), is it not (==)?"""
    chains = (named(config, 'listeners', listener) or {}).get('filterChains', [])
    at = [f.get('typedConfig') for ch in chains if ch['name'] == '|'.join((direction, port, subset, host))
          for f in ch['filters'] if 'routeConfig' in f.get('typedConfig', {}) or 'rds' in f.get('typedConfig', {})]
    if len(at) != 1:
        raise Failed('no connection manager of ' + '|'.join((direction, port, subset, host)))
    at = at[0]
    for word in path.split('.'):
        at = (at or {}).get(word[0].lower() + word[1:])
    return (operator == '!=') == bool(at)


@reported
def assertions(data):
    for c in data.cases('xds/assertions-index.json'):
        def check(c=c):
            configs = [data.case('xds', c, p) for p in c['proxies']]
            for a in c['assertions']:
                got, order = evaluate(configs, a['expr']), sorted if a['op'] == 'equal_unordered' else lambda x: x
                expect(order(a['expected']), order(got), a['expr'])
        yield c, check


# ---- ingress: what a daemon says it has made of it ----

@contextlib.contextmanager
def daemon(mainsheet, folder, mesh, domain):
    ports = []
    for _ in range(3):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            ports.append(s.getsockname()[1])
    with tempfile.TemporaryDirectory() as tmp:
        p = subprocess.Popen([mainsheet, 'discovery', '--configDir', folder, '--meshConfig', mesh, '--networksConfig',
                              os.path.join(tmp, 'none'), '--domain', domain, '--shutdownDuration', '1s'] + [
                                  '--%s=127.0.0.1:%d' % x for x in zip(('grpcAddr', 'httpAddr', 'monitoringAddr'), ports)],
                             stderr=subprocess.DEVNULL)
        try:
            yield 'http://127.0.0.1:%d' % ports[2], 'http://127.0.0.1:%d/ready' % ports[1]
        finally:
            p.terminate()
            p.wait(20)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return r.read()


def configz(mainsheet, objects, mesh, domain):
    with tempfile.TemporaryDirectory() as tmp:
        folder = os.path.join(tmp, 'config')
        os.mkdir(folder)
        put(folder, 'input.yaml', yaml.safe_dump_all(objects))
        with daemon(mainsheet, folder, put(tmp, 'mesh', yaml.safe_dump(mesh)), domain) as (url, ready):
            for _ in range(100):
                try:
                    get(ready)
                    return json.loads(get(url + '/debug/configz'))
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.1)
    raise Failed('the daemon does not become ready')


@reported
def ingress(data):
    with open(os.path.join(data.folder, 'ingress', 'index.json')) as f:
        context = json.load(f)['context']
    for c in data.cases('ingress/index.json'):
        def check(c=c):
            mesh = {'ingressControllerMode': context['mesh_config']['ingressControllerMode']}
            got = configz(data.mainsheet, data.objects('ingress', [c['input']]), mesh, context['domain_suffix'])
            made = {(o['kind'], o['metadata']['namespace'], o['metadata']['name']): o for o in got
                    if o['kind'] in ('Gateway', 'VirtualService')}
            want = {(o['kind'], o['metadata']['namespace'], o['metadata']['name']): o
                    for o in data.objects('ingress', [c['expected_config']])}
            expect(sorted(want), sorted(made), 'objects')
            for key, o in want.items():
                expect(o['spec'], made[key]['spec'], '/'.join(key))
                expect(o['metadata'].get('annotations'), made[key]['metadata'].get('annotations'), '/'.join(key) + ' annotations')
        yield c, check


SETS = collections.OrderedDict((
    ('simulation', simulation), ('simulation-routes', routes), ('simulation-inbound-clusters', inbound_clusters),
    ('simulation-structural', structural), ('xds-san', sans), ('xds-nds', name_table), ('xds-assertions', assertions),
    ('ingress', ingress)))
