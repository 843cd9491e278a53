/* rpc/tsan.h
 * What ThreadSanitizer cannot see: gRPC is not instrumented, so a thing that goes into a completion queue on one
 * thread and comes out on another seems unordered. Say BEFORE with its address when it is handed to gRPC, and AFTER
 * when it is back. Nothing in other builds.
 */
#pragma once

#if defined(__SANITIZE_THREAD__)
#define RPC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RPC_TSAN 1
#endif
#endif

#ifdef RPC_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
#define ANNOTATE_HAPPENS_BEFORE(p) __tsan_release(p)
#define ANNOTATE_HAPPENS_AFTER(p) __tsan_acquire(p)
#else
#define ANNOTATE_HAPPENS_BEFORE(p) ((void)(p))
#define ANNOTATE_HAPPENS_AFTER(p) ((void)(p))
#endif
