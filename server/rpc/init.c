/* What is set once for the process before gRPC starts, and the road from gRPC's log to ours. */
#include "base/log.h"
#include "rpc/internal.h"
#include <dlfcn.h>
#include <grpc/support/log.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* May run inside any call of gRPC, so it takes no lock but the log's. Peers can cause lines at will: a handshake that
 * fails is one. */
static void on_log(gpr_log_func_args *a)
{
	static struct log_limiter limiter;
	const char *file = strrchr(a->file, '/');

	if (a->severity != GPR_LOG_SEVERITY_ERROR)
		log_debug("gRPC", "text", a->message);
	else if (log_allow(&limiter, 5))
		log_warn("gRPC", "text", a->message, "at",
			 LOG_FMT("%s:%d", file ? file + 1 : a->file, a->line));
}

/* Debian builds Abseil with assertions, among them a deadlock detector in every mutex that costs 15 % of a busy server
 * and 2 kB a connection. There is no C interface to turn it off. */
static void disable_deadlock_detector(void)
{
	union {
		void *p;
		void (*set)(int);
	} found = { dlsym(
		RTLD_DEFAULT,
		"_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE") };

	if (found.set)
		found.set(0);
	else
		log_info("cannot turn off Abseil's deadlock detector, gRPC will be slower");
}

static void init(void)
{
	disable_deadlock_detector();
	/* With it, connections are read into chunks of 8 or 64 kB, whatever is asked for: 6 kB more for each idle one. */
	setenv("GRPC_EXPERIMENTS", "-tcp_read_chunks", 0);
	gpr_set_log_function(on_log);
	sockets_init();
	/* Never undone: grpc_shutdown may wait 10 s for a poller of its own, and the process is about to end anyway. */
	grpc_init();
}

void rpc_init(void)
{
	pthread_once(&once, init);
}

const char *rpc_code_name(enum rpc_code code)
{
	static const char *const names[] = {
		[RPC_OK] = "OK",
		[RPC_CANCELLED] = "Canceled",
		[RPC_UNKNOWN] = "Unknown",
		[RPC_INVALID_ARGUMENT] = "InvalidArgument",
		[RPC_DEADLINE_EXCEEDED] = "DeadlineExceeded",
		[RPC_NOT_FOUND] = "NotFound",
		[RPC_ALREADY_EXISTS] = "AlreadyExists",
		[RPC_PERMISSION_DENIED] = "PermissionDenied",
		[RPC_RESOURCE_EXHAUSTED] = "ResourceExhausted",
		[RPC_FAILED_PRECONDITION] = "FailedPrecondition",
		[RPC_ABORTED] = "Aborted",
		[RPC_OUT_OF_RANGE] = "OutOfRange",
		[RPC_UNIMPLEMENTED] = "Unimplemented",
		[RPC_INTERNAL] = "Internal",
		[RPC_UNAVAILABLE] = "Unavailable",
		[RPC_DATA_LOSS] = "DataLoss",
		[RPC_UNAUTHENTICATED] = "Unauthenticated",
	};

	return (size_t)code < ARRAY_LEN(names) ? names[code] : "Unknown";
}
