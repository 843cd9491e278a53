/* translate/tls.h
 * TLS contexts: the mesh's own mutual TLS on both sides (translation.md 2.7, 4.5), secrets by name and where they come
 * from (0.2), and the sockets around them. Shared by clusters, listeners and gateways.
 *
 * Inside queries; what is returned lives in the run's arena. sds_secret is declared in names.h.
 */
#pragma once
#include "pb/pb.h"
#include "schema/schema.h"
#include "world/graph.h"

struct tls_config;

#define SDS_DEFAULT "default"
#define SDS_ROOT "ROOTCA"
#define SDS_EXTERNAL_CLUSTER "sds-external"
#define SDS_EXTERNAL_SOCKET "./var/run/secrets/credential-uds/socket"

/* Do TCP connections of this proxy exchange peer metadata? If not, "istio-peer-exchange" may not be in its ALPN: the
 * other side would send what nobody takes off the stream. May ask ASK_EXTENSION. */
bool tls_peer_exchange(struct run *);

/* ---- secrets ---- */
/* "file-cert:CERT~KEY", "file-root:PATH": what the agent serves from files. */
const char *tls_file_cert(struct arena *, const char *cert, const char *key);
const char *tls_file_root(struct arena *, const char *path);
/* A credentialName as users write it: "name", "kubernetes://...", "configmap://...", "builtin://", "sds://...". `ca`
 * asks for its CA part. */
Tls__SdsSecretConfig *tls_credential(struct run *, const char *name, bool ca);
/* A secret served by another cluster than the agent's own. */
Tls__SdsSecretConfig *tls_secret_of_cluster(struct arena *, const char *name, const char *cluster);

/* ---- contexts ---- */
/* Versions 1.2 to 1.3. */
Tls__TlsParameters *tls_params(struct arena *);
/* Adds cipher suites and curves of a TLSConfig (NULL: none); those that Envoy does not know are left out and named. */
void tls_params_add(struct run *, Tls__TlsParameters *, const struct tls_config *,
		    const char *field);
/* SANs that must be equal to one of them. */
Tls__CertificateValidationContext *tls_match_sans(struct arena *, const char *const *sans,
						  uint32_t n);
/* Validates against the root of that secret. */
void tls_validate(struct arena *, Tls__CommonTlsContext *, Tls__CertificateValidationContext *,
		  Tls__SdsSecretConfig *root);
void tls_add_certificate(struct arena *, Tls__CommonTlsContext *, Tls__SdsSecretConfig *);
void tls_add_alpn(struct arena *, Tls__CommonTlsContext *, const char *protocol);

/* Mutual TLS as servers of the mesh speak it (4.5). `http`: for a chain with an HTTP connection manager. */
Tls__DownstreamTlsContext *tls_inbound(struct run *, bool http);

/* ---- sockets ---- */
Core__TransportSocket *tls_upstream_socket(struct arena *, const Tls__UpstreamTlsContext *);
Core__TransportSocket *tls_downstream_socket(struct arena *, const Tls__DownstreamTlsContext *);
/* `name` NULL: "envoy.transport_sockets.raw_buffer". */
Core__TransportSocket *raw_buffer_socket(struct arena *, const char *name);
