/* A URL is taken apart just far enough to say what Go would have refused: characters, percent escapes, brackets and the
 * port of the authority.
 */
#include "schema/url.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static bool escapes_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '%' && (i + 2 >= n || !isxdigit((unsigned char)s[i + 1]) ||
				    !isxdigit((unsigned char)s[i + 2])))
			return false;
	return true;
}

/* Characters that a host may have beside letters, digits and what is not ASCII. */
static bool host_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x80 && !isalnum((unsigned char)s[i]) &&
		    !strchr("-_.~!$&'()*+,;=:[]<>\"%", s[i]))
			return false;
	return escapes_ok(s, n);
}

/* Behind the host: nothing, or ":" and digits. */
static bool port_ok(const char *s, size_t n)
{
	if (n && s[0] != ':')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

/* [user@]host[:port] */
static bool authority_ok(const char *s, size_t n)
{
	const char *host = s, *close, *colon = NULL;

	for (size_t i = 0; i < n; i++)
		if (s[i] == '@')
			host = s + i + 1;
	n -= (size_t)(host - s);
	if (host != s && !escapes_ok(s, (size_t)(host - s)))
		return false;
	if (n && host[0] == '[') {
		close = memchr(host, ']', n);
		return close && port_ok(close + 1, n - (size_t)(close + 1 - host));
	}
	for (size_t i = 0; i < n; i++)
		if (host[i] == ':')
			colon = host + i;
	if (colon && !port_ok(colon, n - (size_t)(colon - host)))
		return false;
	return host_ok(host, n);
}

/* Length of "scheme", or 0 without one; -1 if it starts with ":". */
static int scheme_len(const char *s)
{
	for (int i = 0; s[i]; i++) {
		if (isalpha((unsigned char)s[i]))
			continue;
		if (s[i] == ':')
			return i ? i : -1;
		if (!i || !(isdigit((unsigned char)s[i]) || strchr("+-.", s[i])))
			return 0;
	}
	return 0;
}

bool url_scheme(const char *url, char ret_scheme[URL_SCHEME])
{
	int len = scheme_len(url);
	const char *rest, *path;

	for (const char *s = url; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	if (!*url || len < 0 || len >= URL_SCHEME)
		return false;
	rest = len ? url + len + 1 : url;
	if (*rest != '/' && !len)
		return false;
	if (len && rest[0] == '/' && rest[1] == '/') {
		rest += 2;
		path = rest + strcspn(rest, "/?");
		if (!authority_ok(rest, (size_t)(path - rest)))
			return false;
		rest = path;
	}
	if (!escapes_ok(rest, strcspn(rest, "?")))
		return false;
	for (int i = 0; i < len; i++)
		ret_scheme[i] = (char)tolower((unsigned char)url[i]);
	ret_scheme[len] = '\0';
	return true;
}
