/* schema/check_impl.h
 * What the checks of the kinds share. Private to this room.
 */
#pragma once
#include "schema/check.h"
#include "types.h"

struct check {
	const struct object *object;
	const struct node *doc;
	struct diag *diag;
	struct arena *arena; /* of paths */
};
/* One problem at the field of that path ("spec.http[2].route"); the nearest field that is there gives the place. */
void bad(struct check *, const char *path, const char *fmt, ...) printf_like(3, 4);
/* A path below another one; lives as long as the check. */
const char *sub(struct check *, const char *path, const char *fmt, ...) printf_like(3, 4);

void check_virtual_service(struct check *);
void check_destination_rule(struct check *);
void check_service_entry(struct check *);
void check_sidecar(struct check *);
void check_gateway(struct check *);

/* ---- pieces (check_parts.c) ---- */
bool is_dns_label(const char *);
/* A host name of labels; `wildcard`: "*" and "*.x" too. */
bool is_host(const char *, bool wildcard);
bool is_host_or_ip(const char *, bool wildcard);
bool is_protocol(const char *);
bool is_port(const struct opt_int *);
void check_host(struct check *, const char *path, const char *host, bool wildcard);
void check_export_to(struct check *, const struct str_list *, bool nobody_allowed, bool own_only);
void check_destination(struct check *, const char *path, const struct destination *,
		       bool need_port);
void check_regex(struct check *, const char *path, const char *regex);
/* "ns/name" or a plain name, as gateways are named. */
void check_gateway_name(struct check *, const char *path, const char *);
void check_percent(struct check *, const char *path, const struct percent *);
void check_min_1ms(struct check *, const char *path, const struct opt_duration *);
void check_not_negative(struct check *, const char *path, const struct opt_int *);
void check_connection_pool(struct check *, const char *path,
			   const struct connection_pool_settings *);
/* "127.0.0.1:80" and the like of a Sidecar's or Gateway's defaultEndpoint. */
bool is_default_endpoint(const char *);
void check_server_tls(struct check *, const char *path, const struct server_tls_settings *);
void check_headers(struct check *, const char *path, const struct headers *,
		   bool *ret_sets_authority);
void check_http_route(struct check *, const char *path, const struct http_route *);
