/* The three clocks, and RFC 3339. Dates are computed with the proleptic Gregorian calendar from day numbers, so that
 * neither time zone files nor locks of the C library come in. */
#include "base/clock.h"
#include <stdio.h>
#include <time.h>

static int64_t now_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_thread_cpu_ns(void)
{
	return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Years begin in March here: the leap day is then the last of its year, and month lengths follow one line. */
static int64_t days_of_date(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of_days(int64_t days, int *ret_y, int *ret_m, int *ret_d)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void clock_format(int64_t wall_ns, char ret_text[CLOCK_RFC3339])
{
	int64_t s = floor_div(wall_ns, NS_PER_S), days = floor_div(s, 86400);
	unsigned sec = (unsigned)(s - days * 86400);
	int y, m, d;

	date_of_days(days, &y, &m, &d);
	/* 64 bits of nanoseconds reach from 1677 to 2262; the remainders only tell the compiler. */
	snprintf(ret_text, CLOCK_RFC3339, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)y % 10000,
		 (unsigned)m % 100, (unsigned)d % 100, sec / 3600 % 24, sec / 60 % 60, sec % 60);
}

static bool digits(const char **at, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return false;
		v = v * 10 + (*at)[i] - '0';
	}
	*at += n;
	*ret = v;
	return true;
}

static bool mark(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int days_in_month(int y, int m)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

/* "Z", "+hh:mm" or "-hh:mm" at the end of the text. */
static bool offset(const char **at, int64_t *ret_s)
{
	int hours, minutes;
	bool west = **at == '-';

	if (mark(at, 'Z')) {
		*ret_s = 0;
		return !**at;
	}
	if (!mark(at, '+') && !mark(at, '-'))
		return false;
	if (!digits(at, 2, &hours) || !mark(at, ':') || !digits(at, 2, &minutes) || hours > 23 ||
	    minutes > 59 || **at)
		return false;
	*ret_s = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

bool clock_parse(const char *s, int64_t *ret_wall_ns)
{
	int y, mon, d, h, min, sec;
	int64_t ns = 0, east_s, total_s, total;

	if (!digits(&s, 4, &y) || !mark(&s, '-') || !digits(&s, 2, &mon) || !mark(&s, '-') ||
	    !digits(&s, 2, &d) || !mark(&s, 'T') || !digits(&s, 2, &h) || !mark(&s, ':') ||
	    !digits(&s, 2, &min) || !mark(&s, ':') || !digits(&s, 2, &sec))
		return false;
	if (mon < 1 || mon > 12 || d < 1 || d > days_in_month(y, mon) || h > 23 || min > 59 ||
	    sec > 59)
		return false;
	if (mark(&s, '.')) {
		int64_t unit = NS_PER_S / 10;

		if (*s < '0' || *s > '9')
			return false;
		for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
			ns += (*s - '0') * unit; /* beyond nanoseconds the unit is 0 */
	}
	if (!offset(&s, &east_s))
		return false;
	total_s = days_of_date(y, mon, d) * 86400 + h * 3600 + min * 60 + sec - east_s;
	if (__builtin_mul_overflow(total_s, NS_PER_S, &total) ||
	    __builtin_add_overflow(total, ns, &total))
		return false;
	*ret_wall_ns = total;
	return true;
}
