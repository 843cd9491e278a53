/* daemon/pages.h
 * The daemon's HTTP pages: what each shows is gathered here from connections and the model thread, and written by
 * server/http (surface.md 1, 5).
 */
#pragma once
#include "base/err.h"

struct model_thread;
struct connections;
struct pages;
struct pages_options {
	const char *http_addr, *monitoring_addr; /* empty: not served */
};
bool pages_start(const struct pages_options *, struct model_thread *, struct connections *,
		 struct pages **ret, struct err *) must_check;
/* The port of an address, 0 or 1 in the order of the options; 0 if it is not served. */
uint16_t pages_port(const struct pages *, uint32_t address);
void pages_stop(struct pages *); /* NULL is fine */
