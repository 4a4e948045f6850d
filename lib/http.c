/* http.c - fetching a URL. With the other parts of http the only user of libcurl. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http.h"
#include "mem.h"

enum { REDIRECTS_MAX = 5 };

struct fetch {
	struct str *body;
	size_t maximum;
	size_t length;
	bool too_large;
};

char *http_shown(const char *url)
{
	CURLU *parts = curl_url();
	char *text = NULL;
	char *query = NULL;

	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
		curl_url_cleanup(parts);
		return str_escape(url);
	}
	curl_url_set(parts, CURLUPART_USER, NULL, 0);
	curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
	/* Tokens travel in queries too. */
	if (curl_url_get(parts, CURLUPART_QUERY, &query, 0) == CURLUE_OK && *query)
		curl_url_set(parts, CURLUPART_QUERY, "...", 0);
	curl_url_get(parts, CURLUPART_URL, &text, 0);
	char *shown = str_escape(text ? text : "");
	curl_free(query);
	curl_free(text);
	curl_url_cleanup(parts);
	return shown;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct fetch *fetch = context;
	size_t length = size * count;

	if (length > fetch->maximum - fetch->length) {
		fetch->too_large = true;
		return 0;
	}
	str_add_n(fetch->body, bytes, length);
	fetch->length += length;
	return length;
}

/* ---- ssh ---- */

static char *ssh_file(const char *name)
{
	const char *home = getenv("HOME");

	return mem_format("%s/.ssh/%s", home ? home : "", name);
}

/*
 * libcurl itself would take id_rsa alone, with signatures (SHA-1) that OpenSSH refuses since 8.8;
 * and it can be given one key only.
 */
static void set_ssh_key(CURL *easy)
{
	static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		cleanup(cleanup_mem) char *path = ssh_file(names[i]);
		if (access(path, R_OK) < 0)
			continue;
		curl_easy_setopt(easy, CURLOPT_SSH_PRIVATE_KEYFILE, path);
		return;
	}
}

/* As ssh(1) in a batch: what is not in the user's known_hosts is refused, and who is not named is the user. */
static void set_ssh(CURL *easy, const char *url)
{
	cleanup(cleanup_mem) char *known = ssh_file("known_hosts");
	const struct passwd *me = getpwuid(geteuid());
	CURLU *parts = curl_url();
	char *scheme = NULL;
	char *user = NULL;

	curl_easy_setopt(easy, CURLOPT_SSH_KNOWNHOSTS, known);
	set_ssh_key(easy);
	if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcmp(scheme, "sftp") == 0 &&
	    curl_url_get(parts, CURLUPART_USER, &user, 0) != CURLUE_OK && me)
		curl_easy_setopt(easy, CURLOPT_USERNAME, me->pw_name);
	curl_free(user);
	curl_free(scheme);
	curl_url_cleanup(parts);
}

/* ---- fetching ---- */

static int fetch_code(CURL *easy, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	switch (result) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_USAGE;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_DEADLINE;
	case CURLE_FILESIZE_EXCEEDED:
		return ERR_TOO_LARGE;
	case CURLE_FILE_COULDNT_READ_FILE:
		return ERR_ENV;
	case CURLE_HTTP_RETURNED_ERROR:
		return status >= 500                    ? ERR_TEMPORARY
		       : status == 401 || status == 403 ? ERR_AUTH
							: ERR_PERMANENT;
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_TOO_MANY_REDIRECTS:
		return ERR_PERMANENT;
	case CURLE_LOGIN_DENIED:
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_AUTH;
	default:
		return ERR_NET;
	}
}

int http_fetch(const char *url, size_t maximum, int64_t timeout_ms, struct str *body, struct err *e)
{
	cleanup(cleanup_mem) char *shown = http_shown(url);
	cleanup(str_done) struct str received = {0};
	struct fetch fetch = {.body = &received, .maximum = maximum};
	char message[CURL_ERROR_SIZE] = "";

	curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL *easy = curl_easy_init();
	if (!easy)
		return err_set(e, ERR_ENV, "cannot set libcurl up");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,ftp,ftps,sftp,file");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)maximum);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "vmroll/" VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &fetch);
	if (getenv("SSL_CERT_FILE"))
		curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
	set_ssh(easy, url);
	CURLcode result = curl_easy_perform(easy);
	int code = result == CURLE_OK ? 0 : fetch.too_large ? ERR_TOO_LARGE : fetch_code(easy, result);
	curl_easy_cleanup(easy);
	if (code == ERR_TOO_LARGE)
		return err_set(e, code, "%s: larger than %zu bytes", shown, maximum);
	if (result == CURLE_PEER_FAILED_VERIFICATION && str_starts(url, "sftp:"))
		return err_set(e, code, "%s: its host key is not that of ~/.ssh/known_hosts", shown);
	if (code < 0)
		return err_set(e, code, "%s: %s", shown, *message ? message : curl_easy_strerror(result));
	str_add_n(body, str_text(&received), received.length);
	return 0;
}
