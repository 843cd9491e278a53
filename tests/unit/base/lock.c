/* The order of locks is enforced, scopes release, and the mutex excludes. */
#include "base/lock.h"
#include "test.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lock outer = LOCK_INIT(LOCK_SOURCE), inner = LOCK_INIT(LOCK_QUEUE);

static int leave_early(int how)
{
	with_lock(&outer) {
		if (how == 1)
			return 1;
		if (how == 2)
			break;
		with_lock(&inner)
			return 3;
	}
	return 2;
}

TEST(lock_scope_releases_however_it_is_left)
{
	for (int round = 0; round < 3; round++)
		for (int how = 1; how <= 3; how++)
			CHECK_INT(leave_early(how), how);
	CHECK(!pthread_mutex_trylock(&outer.m) && !pthread_mutex_unlock(&outer.m));
	CHECK(!pthread_mutex_trylock(&inner.m) && !pthread_mutex_unlock(&inner.m));
}

static void in_wrong_order(void)
{
	lock_take(&inner);
	lock_take(&outer);
}

static void twice_the_same_rank(void)
{
	struct lock other;

	lock_init(&other, LOCK_QUEUE);
	lock_take(&inner);
	lock_take(&other);
}

static void drop_what_is_not_held(void)
{
	lock_drop(&inner);
}

static void in_right_order(void)
{
	lock_take(&outer);
	lock_take(&inner);
	lock_drop(&outer); /* not the reverse order, but allowed */
	lock_drop(&inner);
	in_wrong_order(); /* aborts */
}

/* Does it end by an assertion? */
static bool aborts(void (*run)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		run();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void nothing_wrong(void)
{
	lock_take(&outer);
	lock_take(&inner);
	lock_drop(&outer);
	lock_drop(&inner);
	lock_take(&outer);
	lock_drop(&outer);
}

TEST(lock_order_is_asserted)
{
	CHECK(!aborts(nothing_wrong));
	CHECK(aborts(in_wrong_order));
	CHECK(aborts(twice_the_same_rank));
	CHECK(aborts(drop_what_is_not_held));
	CHECK(aborts(in_right_order));
}

static long counter;

static void *adder(void *arg)
{
	for (int i = 0; i < 20000; i++)
		with_lock(&outer)
			counter++;
	return arg;
}

TEST(lock_excludes)
{
	pthread_t t[3];

	counter = 0;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, adder, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_INT(counter, 60000);
}
