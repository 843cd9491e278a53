/* schema/url.h
 * The scheme of a URL, by the rules of Go's url.ParseRequestURI, which CEL's url() is made of. Any thread.
 */
#pragma once
#include <stdbool.h>

enum { URL_SCHEME = 64 };
/* False if it is no absolute URL and no absolute path. The scheme in lower case, "" for a path. */
bool url_scheme(const char *url, char ret_scheme[URL_SCHEME]);
