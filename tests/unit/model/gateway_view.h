/* Worlds with Gateways, and what is merged of them, for tests of Gateways and of Ingresses. */
#pragma once
#include "harness.h"

/* `name`: "ns/name". The later put, the younger. */
void put_object(struct harness *, const char *kind, const char *name, const char *meta,
		const char *spec);
void put_gateway(struct harness *, const char *name, const char *spec);
/* In front of routers with istio: ingressgateway. */
void put_gateway_service(struct harness *, const char *name, const char *meta, const char *ports);

uint32_t router(struct harness *, const char *ns, const char *labels);
uint32_t ingress_router(struct harness *);

/* Prints the merged table: "bind:port protocol route: gateway.port+flags(route) ...". A harness_fn; ctx is a buf. */
void show_table(struct run *, void *ctx);
void check_table(struct harness *, uint32_t proxy, const char *want, int line);
#define TABLE(h, proxy, want) check_table(h, proxy, want, __LINE__)

#define ALL "selector: {istio: ingressgateway}, "
#define HTTP(number, name) \
	"{port: {number: " #number ", name: " name ", protocol: HTTP}, hosts: ['*']}"
#define INGRESS_PATH(path, type, service) \
	"{path: '" path "', pathType: " type ", backend: {service: {name: " service \
	", port: {number: 80}}}}"
