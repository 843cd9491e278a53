/* rpc/listen.h
 * Addresses and credentials of listeners.
 */
#pragma once
#include "base/err.h"
#include "rpc/rpc.h"
#include <grpc/grpc.h>

/* Binds. *ret_port is 0 for a Unix socket. */
bool listen_add(grpc_server *, const struct rpc_listener *, int *ret_port, struct err *) must_check;
