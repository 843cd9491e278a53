/* http/listen.h
 * Private to this room: listening sockets.
 */
#pragma once
#include "base/err.h"

/* Addresses as in http_options. The socket is non-blocking and the caller's. */
bool listen_open(const char *address, int *ret_fd, uint16_t *ret_port, struct err *) must_check;
