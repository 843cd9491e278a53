/* What the webhook demands of DestinationRules. */
#include "schema/check_impl.h"
#include <string.h>

static void check_outlier(struct check *c, const char *path, const struct outlier_detection *o)
{
	if (!o)
		return;
	check_min_1ms(c, sub(c, path, "interval"), &o->interval);
	check_min_1ms(c, sub(c, path, "baseEjectionTime"), &o->base_ejection_time);
	if (o->max_ejection_percent.v < 0 || o->max_ejection_percent.v > 100)
		bad(c, sub(c, path, "maxEjectionPercent"), "must be 0 to 100");
	if (o->min_health_percent.v < 0 || o->min_health_percent.v > 100)
		bad(c, sub(c, path, "minHealthPercent"), "must be 0 to 100");
	if (o->consecutive_local_origin_failures.v > 0 && !o->split_external_local_origin_errors.v)
		bad(c, sub(c, path, "consecutiveLocalOriginFailures"),
		    "needs splitExternalLocalOriginErrors");
}

static bool is_prime(int64_t n)
{
	if (n < 2)
		return false;
	for (int64_t i = 2; i * i <= n; i++)
		if (n % i == 0)
			return false;
	return true;
}

static void check_weights(struct check *c, const char *path, const struct int_map *to)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < to->n; i++) {
		if (to->v[i].value <= 0 || to->v[i].value > 100)
			bad(c, path, "a weight is 1 to 100");
		sum += to->v[i].value;
	}
	if (sum != 100)
		bad(c, path, "weights must sum up to 100, not %lld", (long long)sum);
}

/* Does one locality cover the other? Parts are separated by slashes, "*" is any. */
static bool localities_overlap(const char *a, const char *b)
{
	while (*a && *b) {
		size_t na = strcspn(a, "/"), nb = strcspn(b, "/");

		if ((na == 1 && *a == '*') || (nb == 1 && *b == '*'))
			return true;
		if (na != nb || memcmp(a, b, na))
			return false;
		a += na + (a[na] == '/');
		b += nb + (b[nb] == '/');
	}
	return true;
}

static void check_locality(struct check *c, const char *path,
			   const struct locality_load_balancer_setting *l)
{
	if (!l)
		return;
	if (l->distribute.n && (l->failover.n || l->failover_priority.n))
		bad(c, path, "distribute excludes failover and failoverPriority");
	for (uint32_t i = 0; i < l->distribute.n; i++) {
		const struct locality_lb_distribute *d = &l->distribute.v[i];

		check_weights(c, sub(c, path, "distribute[%u].to", i), &d->to);
		for (uint32_t j = 0; j < i; j++)
			if (localities_overlap(str_or(l->distribute.v[j].from, ""),
					       str_or(d->from, "")))
				bad(c, sub(c, path, "distribute[%u].from", i),
				    "overlaps another one");
		for (uint32_t j = 0; j < d->to.n; j++)
			for (uint32_t k = 0; k < j; k++)
				if (localities_overlap(d->to.v[k].key, d->to.v[j].key))
					bad(c, sub(c, path, "distribute[%u].to", i),
					    "%s overlaps %s", d->to.v[j].key, d->to.v[k].key);
	}
	for (uint32_t i = 0; i < l->failover.n; i++) {
		const struct locality_lb_failover *f = &l->failover.v[i];
		const char *at = sub(c, path, "failover[%u]", i);

		if (str_eq(f->from, f->to))
			bad(c, at, "from and to are the same region");
		if (strchr(str_or(f->from, ""), '*') || strchr(str_or(f->to, ""), '*'))
			bad(c, at, "regions have no wildcards");
		if (strchr(str_or(f->from, ""), '/') || strchr(str_or(f->to, ""), '/'))
			bad(c, at, "regions only, without zones");
	}
}

static void check_lb(struct check *c, const char *path, const struct load_balancer_settings *l)
{
	const struct consistent_hash_lb *h = l ? l->consistent_hash : NULL;

	if (!l)
		return;
	check_locality(c, sub(c, path, "localityLbSetting"), l->locality_lb_setting);
	if (l->locality_lb_setting && l->zone_aware_lb_setting)
		bad(c, path, "localityLbSetting excludes zoneAwareLbSetting");
	if (h && h->http_cookie && str_empty(h->http_cookie->name))
		bad(c, sub(c, path, "consistentHash.httpCookie.name"), "a name is needed");
	if (h && h->maglev && h->maglev->table_size.set && h->maglev->table_size.v &&
	    (!is_prime(h->maglev->table_size.v) || h->maglev->table_size.v >= 5000011))
		bad(c, sub(c, path, "consistentHash.maglev.tableSize"),
		    "must be a prime below 5000011");
	if (h && h->minimum_ring_size.v && (h->ring_hash || h->maglev))
		bad(c, sub(c, path, "consistentHash.minimumRingSize"),
		    "excludes ringHash and maglev");
	if (!l->warmup)
		return;
	if (!l->warmup->duration.set)
		bad(c, sub(c, path, "warmup.duration"), "is needed");
	if (l->warmup->minimum_percent.v > 100 || l->warmup->minimum_percent.v < 0)
		bad(c, sub(c, path, "warmup.minimumPercent"), "must be 0 to 100");
	if (l->warmup->aggression.set && l->warmup->aggression.v <= 0)
		bad(c, sub(c, path, "warmup.aggression"), "must be above 0");
}

static void check_tls(struct check *c, const char *path, const struct client_tls_settings *t)
{
	bool files;

	if (!t)
		return;
	files = !str_empty(t->client_certificate) || !str_empty(t->private_key) ||
		!str_empty(t->ca_certificates);
	if (t->insecure_skip_verify.v) {
		if (t->mode == CLIENT_TLS_SETTINGS_MODE_SIMPLE &&
		    (!str_empty(t->ca_certificates) || !str_empty(t->credential_name)))
			bad(c, sub(c, path, "insecureSkipVerify"),
			    "excludes caCertificates and credentialName");
		if (t->subject_alt_names.n)
			bad(c, sub(c, path, "insecureSkipVerify"), "excludes subjectAltNames");
	}
	if ((t->mode == CLIENT_TLS_SETTINGS_MODE_SIMPLE ||
	     t->mode == CLIENT_TLS_SETTINGS_MODE_MUTUAL) &&
	    !str_empty(t->credential_name) && files)
		bad(c, sub(c, path, "credentialName"), "excludes certificates in files");
	if (t->mode == CLIENT_TLS_SETTINGS_MODE_MUTUAL && str_empty(t->credential_name)) {
		if (str_empty(t->client_certificate))
			bad(c, sub(c, path, "clientCertificate"), "is needed for MUTUAL");
		if (str_empty(t->private_key))
			bad(c, sub(c, path, "privateKey"), "is needed for MUTUAL");
	}
}

static void check_tunnel(struct check *c, const char *path, const struct tunnel_settings *t)
{
	if (!t)
		return;
	if (!str_empty(t->protocol) && !str_eq(t->protocol, "CONNECT") &&
	    !str_eq(t->protocol, "POST"))
		bad(c, sub(c, path, "protocol"), "is CONNECT or POST");
	if (str_eq(t->target_host, "*") || !is_host_or_ip(t->target_host, false))
		bad(c, sub(c, path, "targetHost"), "\"%s\" is no host name",
		    str_or(t->target_host, ""));
	if (!is_port(&t->target_port))
		bad(c, sub(c, path, "targetPort"), "a port is 1 to 65535");
}

static void check_policy(struct check *c, const char *path, const struct traffic_policy *p)
{
	if (!p)
		return;
	if (!p->connection_pool && !p->load_balancer && !p->outlier_detection &&
	    !p->port_level_settings.n && !p->tls && !p->tunnel && !p->proxy_protocol &&
	    !p->retry_budget)
		bad(c, path, "says nothing");
	if (p->tunnel && p->proxy_protocol)
		bad(c, path, "tunnel excludes proxyProtocol");
	check_connection_pool(c, sub(c, path, "connectionPool"), p->connection_pool);
	check_outlier(c, sub(c, path, "outlierDetection"), p->outlier_detection);
	check_lb(c, sub(c, path, "loadBalancer"), p->load_balancer);
	check_tls(c, sub(c, path, "tls"), p->tls);
	check_tunnel(c, sub(c, path, "tunnel"), p->tunnel);
	for (uint32_t i = 0; i < p->port_level_settings.n; i++) {
		const struct port_traffic_policy *l = &p->port_level_settings.v[i];
		const char *at = sub(c, path, "portLevelSettings[%u]", i);

		if (!l->port || !is_port(&l->port->number))
			bad(c, sub(c, at, "port"), "a port is needed");
		check_connection_pool(c, sub(c, at, "connectionPool"), l->connection_pool);
		check_outlier(c, sub(c, at, "outlierDetection"), l->outlier_detection);
		check_lb(c, sub(c, at, "loadBalancer"), l->load_balancer);
		check_tls(c, sub(c, at, "tls"), l->tls);
	}
}

void check_destination_rule(struct check *c)
{
	const struct destination_rule_spec *s =
		((const struct destination_rule *)c->object->body)->spec;

	if (!s)
		return;
	check_host(c, "spec.host", s->host, true);
	check_policy(c, "spec.trafficPolicy", s->traffic_policy);
	for (uint32_t i = 0; i < s->subsets.n; i++) {
		const struct subset *b = &s->subsets.v[i];
		const char *path = sub(c, "spec.subsets", "[%u]", i);

		if (!is_dns_label(b->name))
			bad(c, sub(c, path, "name"), "\"%s\" is no subset name",
			    str_or(b->name, ""));
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(s->subsets.v[j].name, b->name))
				bad(c, sub(c, path, "name"), "\"%s\" is there twice", b->name);
		check_policy(c, sub(c, path, "trafficPolicy"), b->traffic_policy);
	}
	check_export_to(c, &s->export_to, false,
			s->workload_selector && s->workload_selector->match_labels.n);
}
