/* http_post.c - posting to a web server: a request over a connection of the pool, and what became of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "http_private.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum {
	ANSWER_MAX = 4096, /* that is read of a body */
	ANSWER_HEADERS_MAX = 64 << 10,
	SHOWN_ANSWER_MAX = 200
};

struct request {
	struct job job;
	char *body;
	size_t length;
	struct curl_slist *headers;
	struct secrets secrets;
	size_t answer_headers; /* bytes */
	bool answered;         /* status and headers are there */
	struct str answer;     /* the beginning of its body */
};

struct poster {
	struct pool pool;
	char *place;                /* for messages */
	struct secrets secrets;     /* of the URL */
	struct curl_slist *headers; /* of every request */
};

static void add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		mem_exhausted();
	*list = longer;
}

static void headers_free(struct curl_slist *headers)
{
	for (struct curl_slist *line = headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(headers);
}

static void request_free(struct job *job)
{
	struct request *request = (struct request *)job;

	if (!request)
		return;
	headers_free(request->headers);
	secrets_done(&request->secrets);
	str_done(&request->answer);
	free(request->body);
	free(request);
}

/* ---- in the slot's thread ---- */

static struct request *current(const struct slot *slot)
{
	return (struct request *)slot->current;
}

/* What comes beyond is not waited for: the status says all that decides. */
static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
	struct str *answer = &current(context)->answer;
	size_t length = size * count;
	size_t room = ANSWER_MAX - answer->length;

	str_add_n(answer, bytes, length < room ? length : room);
	return length <= room ? length : 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	struct request *request = current(slot);
	size_t length = size * count;
	long status = 0;

	request->answer_headers += length;
	if (request->answer_headers > ANSWER_HEADERS_MAX)
		return 0;
	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && (bytes[0] == '\r' || bytes[0] == '\n'))
		request->answered = true;
	return length;
}

/* Some servers quote in their answer what they were asked: the first line that says something, without our secrets, fit for a message. */
static char *shown_answer(const struct request *request)
{
	cleanup(str_done) struct str text = {0};
	const char *line = str_text(&request->answer);

	str_add(&text, line);
	secrets_hide(&request->secrets, &text);
	line = str_text(&text) + strspn(str_text(&text), " \t\r\n");
	size_t length = strcspn(line, "\r\n");
	cleanup(cleanup_mem) char *cut =
		mem_string_n(line, length < SHOWN_ANSWER_MAX ? length : SHOWN_ANSWER_MAX);
	return str_escape(cut);
}

static int status_code(long status)
{
	if (status == 401 || status == 403 || status == 407)
		return ERR_AUTH;
	if (status >= 500 || status == 408 || status == 425 || status == 429)
		return ERR_TEMPORARY;
	return ERR_PERMANENT;
}

/* RFC 9110, 10.2.3: seconds or a date, of which libcurl makes seconds; 0: none. */
static void add_retry_after(CURL *easy, struct str *text)
{
	curl_off_t seconds = 0;
	char shown[WHEN_TEXT_SIZE];

	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > 0 && seconds < INT64_MAX / 1000)
		str_addf(text, ", asks to be tried again after %s",
			 when_format_duration((int64_t)seconds * 1000, shown));
}

static int refusal(const struct slot *slot, long status, struct err *e)
{
	const struct poster *poster = (const struct poster *)slot->pool;
	cleanup(cleanup_mem) char *answer = shown_answer(current(slot));
	cleanup(str_done) struct str text = {0};

	str_addf(&text, "%s answers %ld", poster->place, status);
	if (status >= 300 && status < 400)
		str_add(&text, ", sends us elsewhere, where we do not go: set the url right");
	if (status == 401 || status == 403 || status == 407)
		str_add(&text, ", refuses our credentials");
	add_retry_after(slot->easy, &text);
	return err_set(e, status_code(status), "%s%s%s", str_text(&text), *answer ? ": " : "", answer);
}

/* Without a whole answer. */
static int failure(const struct slot *slot, CURLcode result, struct err *e)
{
	const struct poster *poster = (const struct poster *)slot->pool;
	const char *why = *slot->message ? slot->message : curl_easy_strerror(result);
	char limit[WHEN_TEXT_SIZE];

	if (result == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, ERR_DEADLINE, "%s: no answer within %s", poster->place,
			       when_format_duration(slot->pool->timeout_ms, limit));
	if (result == CURLE_WRITE_ERROR)
		return err_set(e, ERR_TEMPORARY, "%s: its answer has more than %d KB of headers",
			       poster->place, ANSWER_HEADERS_MAX >> 10);
	return err_set(e, ERR_NET, "%s: %s", poster->place, why);
}

static void carry_out(struct slot *slot)
{
	struct request *request = current(slot);
	long status = 0;

	slot->message[0] = '\0';
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
	CURLcode result = curl_easy_perform(slot->easy);
	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	/* Whatever becomes of the body: the status is what decides. */
	if (!request->answered)
		failure(slot, result, &request->job.outcome);
	else if (status < 200 || status > 299)
		refusal(slot, status, &request->job.outcome);
}

static const struct pool_work post_work = {.carry_out = carry_out, .free = request_free};

/* ---- the target ---- */

static bool is_web(CURLU *parts)
{
	char *scheme = NULL;
	bool web = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		   (str_equal(scheme, "http") || str_equal(scheme, "https"));

	curl_free(scheme);
	return web;
}

/* Leaves "https://host:port" for messages: the rest of a webhook's URL is often what proves who we are. */
static void hide_secrets(struct poster *poster, CURLU *parts)
{
	static const CURLUPart secret[] = {CURLUPART_PASSWORD, CURLUPART_USER, CURLUPART_PATH,
					   CURLUPART_QUERY, CURLUPART_FRAGMENT};
	char *text = NULL;

	for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
		if (curl_url_get(parts, secret[i], &text, 0) == CURLUE_OK) {
			secrets_add(&poster->secrets, text);
			curl_free(text);
			curl_url_set(parts, secret[i], NULL, 0);
		}
	if (curl_url_get(parts, CURLUPART_URL, &text, 0) == CURLUE_OK) {
		text[strcspn(text, "?#")] = '\0';
		if (text[strlen(text) - 1] == '/')
			text[strlen(text) - 1] = '\0';
		poster->place = str_escape(text);
		curl_free(text);
	}
}

static int read_url(struct poster *poster, const char *url, struct err *e)
{
	CURLU *parts = curl_url();

	bool good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK && is_web(parts);
	if (good)
		hide_secrets(poster, parts);
	curl_url_cleanup(parts);
	if (good && poster->place)
		return 0;
	cleanup(cleanup_mem) char *shown = http_shown(url);
	return err_set(e, ERR_USAGE, "'%s' is not a URL such as https://hooks.example.org/vmroll", shown);
}

int poster_set_headers(struct poster *poster, const char *const *headers, struct err *e)
{
	for (size_t i = 0; headers && headers[i]; i++)
		if (http_check_header(headers[i], e) < 0)
			return e->code;
	headers_free(poster->headers);
	poster->headers = NULL;
	for (size_t i = 0; headers && headers[i]; i++)
		add_header(&poster->headers, headers[i]);
	return 0;
}

static void set_target(struct slot *slot, const struct post_target *target)
{
	const char *ca_file = target->ca_file ? target->ca_file : getenv("SSL_CERT_FILE");

	curl_easy_setopt(slot->easy, CURLOPT_URL, target->url);
	curl_easy_setopt(slot->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(slot->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_USERAGENT, "vmroll/" VERSION);
	curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(slot->easy, CURLOPT_HEADERDATA, slot);
	if (ca_file)
		curl_easy_setopt(slot->easy, CURLOPT_CAINFO, ca_file);
}

int poster_new(struct poster **poster, const struct post_target *target, struct err *e)
{
	cleanup(cleanup_poster) struct poster *new = mem_zalloc(1, sizeof *new);

	if (read_url(new, target->url, e) < 0 || poster_set_headers(new, target->headers, e) < 0 ||
	    pool_open(&new->pool, &post_work, target->timeout_ms, e) < 0)
		return e->code;
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		set_target(&new->pool.slots[i], target);
	*poster = new;
	new = NULL;
	return 0;
}

void poster_free(struct poster *poster)
{
	if (!poster)
		return;
	pool_close(&poster->pool);
	headers_free(poster->headers);
	secrets_done(&poster->secrets);
	free(poster->place);
	free(poster);
}

void cleanup_poster(struct poster **poster)
{
	poster_free(*poster);
}

static struct request *new_request(const struct poster *poster, uint64_t tag, const struct post_content *content)
{
	struct request *request = mem_zalloc(1, sizeof *request);
	cleanup(cleanup_mem) char *type = mem_format("Content-Type: %s", content->type);

	request->job.tag = tag;
	request->body = mem_copy(content->bytes, content->length);
	request->length = content->length;
	vec_foreach(&poster->secrets, secret)
		secrets_add(&request->secrets, *secret);
	for (const struct curl_slist *line = poster->headers; line; line = line->next) {
		add_header(&request->headers, line->data);
		secrets_add_header(&request->secrets, line->data);
	}
	for (size_t i = 0; content->headers && content->headers[i]; i++)
		add_header(&request->headers, content->headers[i]);
	add_header(&request->headers, type);
	/* Else curl waits a second for a server that has never heard of it. */
	add_header(&request->headers, "Expect:");
	return request;
}

int poster_submit(struct poster *poster, uint64_t tag, const struct post_content *content, struct err *e)
{
	for (size_t i = 0; content->headers && content->headers[i]; i++)
		if (http_check_header(content->headers[i], e) < 0)
			return e->code;
	return pool_submit(&poster->pool, &new_request(poster, tag, content)->job, e);
}

size_t poster_pending(const struct poster *poster)
{
	return poster->pool.pending;
}

int poster_fd(const struct poster *poster)
{
	return poster->pool.event;
}

bool poster_finished(struct poster *poster, uint64_t *tag, struct err *e)
{
	struct job *job = pool_finished(&poster->pool);

	if (!job)
		return false;
	*tag = job->tag;
	*e = job->outcome;
	request_free(job);
	return true;
}
