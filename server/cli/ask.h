/* cli/ask.h
 * Asking a daemon for one of its pages and printing it: commands that show what a daemon knows are this and their flags.
 * Pages say in the header Mainsheet-Status what they found, so that text and exit code come from one look.
 */
#pragma once
#include "base/buf.h"

#define ASK_ADDRESS "http://127.0.0.1:15014"

struct ask_parameter {
	const char *name, *value; /* NULL value: left out */
};
struct ask {
	const char *command; /* for messages */
	const char *address; /* of the daemon; "http://" may be missing */
	const char *page;
	const struct ask_parameter *parameters;
	uint32_t n_parameters;
	bool json;
	const char *good; /* status of a page that is answered with exit code 0; other pages: 1 */
	const char *not_found; /* says that a 404 means; NULL: what the page says */
};
/* Prints the page to stdout, or to stderr why there is none. The exit code: 2 for a page that calls it a bad request. */
int ask_daemon(const struct ask *);
