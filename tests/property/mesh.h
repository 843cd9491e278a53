/* tests/property/mesh.h
 * The makers of the mesh property test: how each kind of object, the mesh's settings and a proxy's node message are
 * drawn. A small universe, so that all of it meets: five namespaces, some twenty hosts, twenty proxies that are pods too.
 */
#pragma once
#include "tests/property/sketch.h"

typedef void make_fn(struct sketch *);

/* mesh_registry.c */
make_fn make_service, make_slice, make_pod, make_node, make_namespace, make_service_entry,
	make_workload_entry;
/* mesh_config.c */
make_fn make_virtual_service, make_destination_rule, make_sidecar, make_peer_authentication;
/* mesh_edge.c */
make_fn make_gateway, make_ingress, make_ingress_class;
/* mesh_telemetry.c */
make_fn make_telemetry;
/* mesh_settings.c */
make_fn make_mesh_config, make_mesh_networks, make_node_message;

/* The universe's names. */
enum { N_NAMESPACES = 5 };
extern const char *const mesh_namespaces[N_NAMESPACES]; /* the last is the root's */
/* "10.1.N.M", the address of pod M of namespace N. */
void put_pod_ip(struct sketch *, unsigned ns, unsigned pod);
const char *pick_namespace(struct sketch *, const char *feature);
const char *pick_host(struct sketch *, const char *feature);
/* "exportTo: [...]," or nothing. */
void put_export(struct sketch *, uint32_t one_in);
/* "labels: {...}," of a selector, `word` its key; some of its forms select no proxy at all. */
void put_selector(struct sketch *, const char *feature, const char *word);
void put_balancer(struct sketch *); /* "loadBalancer: {...}," */
