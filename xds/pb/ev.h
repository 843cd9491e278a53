/* pb/ev.h
 * Every generated message at once, so that nobody needs to know which .proto holds what. The file included here is
 * written by the build: all *.pb-c.h and, per message, two names that PB_NEW and friends paste together:
 * `Core__Address__DESC` (its descriptor) and `Core__Address__URL` (its type URL, a string literal).
 *
 * The C prefix of each upstream package is the `c_package` line of its file in xds/proto.
 */
#pragma once
#include "ev_all.h"
