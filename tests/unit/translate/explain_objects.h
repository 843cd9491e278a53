/* Objects as text, for the tests of what the engine tells. */
#pragma once

#define SERVICE(name) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: shop}\n" \
	"spec: {clusterIP: 10.96.0.1, selector: {app: " name \
	"}, ports: [{name: http, port: 80}]}\n---\n"
#define SLICE(name, ip) \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: " name "-s, namespace: shop, labels: {kubernetes.io/service-name: " name \
	"}}\n" \
	"addressType: IPv4\nports: [{name: http, port: 8080}]\n" \
	"endpoints: [{addresses: [" ip "]}]\n---\n"
#define ROUTE(name, ns, subset) \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {exportTo: [\".\"], hosts: [" name \
	".shop.svc.cluster.local], http: [{route: [{destination: " \
	"{host: " name ".shop.svc.cluster.local, subset: " subset "}}]}]}\n---\n"
#define RULE(name) \
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\n" \
	"metadata: {name: " name ", namespace: shop}\n" \
	"spec: {host: " name ", subsets: [{name: v1, labels: {version: v1}}]}\n---\n"
