/* ads/decode.h
 * From the bytes of a DiscoveryRequest or DeltaDiscoveryRequest to struct ads_request, without building messages: the
 * Node (60 kB in stock Envoy) is only pointed at. Untrusted input. Any thread.
 */
#pragma once
#include "ads/ads.h"

/* Strings are copied into the arena, the node points into `bytes`. False: not such a message, a string with a NUL or of
 * more than RESOURCE_NAME_MAX bytes in it, or more than NAMES_MAX names. */
bool ads_decode(struct arena *, enum xds_protocol, const void *bytes, size_t n,
		struct ads_request *ret, struct err *) must_check;
