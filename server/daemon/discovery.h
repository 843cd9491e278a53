/* daemon/discovery.h
 * `mainsheet discovery`: the daemon.
 */
#pragma once
#include "cli/command.h"

extern const struct command command_discovery;
