/* mail.c - composes one Internet mail: RFC 5322, MIME (RFC 2045, 2046), encoded words (RFC 2047). */
#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "mail.h"
#include "mem.h"
#include "when.h"

/* RFC 5322, 2.1.1 and RFC 2045, 6.7 (5); an encoded word is at most 75 (RFC 2047, 2). */
enum { LINE_MAX_LENGTH = 76, ENCODED_WORD_MAX = 75, ADDRESS_MAX = 254 };

/* No quoted-printable text can hold "=_" (RFC 2045, 6.7), so this never ends a part early. */
static const char boundary[] = "=_vmroll_alternative";

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_base64(struct str *out, const char *bytes, size_t length)
{
	const unsigned char *b = (const unsigned char *)bytes;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)b[i] << 16;
		if (left > 1)
			group |= (uint32_t)b[i + 1] << 8;
		if (left > 2)
			group |= b[i + 2];
		str_add_char(out, base64_alphabet[group >> 18]);
		str_add_char(out, base64_alphabet[group >> 12 & 63]);
		str_add_char(out, left > 1 ? base64_alphabet[group >> 6 & 63] : '=');
		str_add_char(out, left > 2 ? base64_alphabet[group & 63] : '=');
	}
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (!isascii((unsigned char)*text))
			return false;
	return true;
}

/* Encoded words of whole characters, each on a line of its own but the first, which goes on at COLUMN. */
static void add_encoded_words(struct str *out, const char *text, size_t column)
{
	static const char head[] = "=?UTF-8?B?";
	enum { FRAME = sizeof head - 1 + 2 };
	size_t left = strlen(text);

	while (left > 0) {
		size_t room = (column + ENCODED_WORD_MAX > LINE_MAX_LENGTH ? LINE_MAX_LENGTH - column
									   : ENCODED_WORD_MAX);
		size_t fits = (room - FRAME) / 4 * 3;
		size_t taken = 0;
		while (taken < left) {
			size_t size = str_utf8_character(text + taken, left - taken, NULL);
			if (taken + size > fits)
				break;
			taken += size;
		}
		str_add(out, head);
		add_base64(out, text, taken);
		str_add(out, "?=");
		text += taken;
		left -= taken;
		if (left > 0)
			str_add(out, "\r\n ");
		column = 1;
	}
}

/* Whether text can stand in a header as it is: folded at its blanks no line is too long, and no decoder would change it. */
static bool is_plain_header(const char *text, size_t column)
{
	size_t length = strlen(text);

	if (!is_ascii(text) || strstr(text, "=?") || strstr(text, "  ") || text[0] == ' ' ||
	    (length > 0 && text[length - 1] == ' '))
		return false;
	for (const char *word = text; word; word = strchr(word, ' ')) {
		if (*word == ' ')
			word++;
		size_t word_length = strcspn(word, " ");
		if (word_length + (word == text ? column : 1) > LINE_MAX_LENGTH)
			return false;
	}
	return true;
}

static void add_folded(struct str *out, const char *text, size_t column)
{
	for (bool first = true; *text; first = false) {
		size_t length = strcspn(text, " ");
		if (!first && column + 1 + length > LINE_MAX_LENGTH) {
			str_add(out, "\r\n");
			column = 0;
		}
		if (!first) {
			str_add_char(out, ' ');
			column++;
		}
		str_add_n(out, text, length);
		column += length;
		text += length;
		if (*text)
			text++;
	}
}

static void add_text_header(struct str *out, const char *name, const char *text)
{
	size_t column = strlen(name) + 2;

	str_addf(out, "%s: ", name);
	if (is_plain_header(text, column))
		add_folded(out, text, column);
	else
		add_encoded_words(out, text, column);
	str_add(out, "\r\n");
}

/* RFC 5322, 3.4: a display name is a phrase; a quoted string spares thinking about which characters are special. */
static void add_address_header(struct str *out, const char *header, const char *address, const char *name)
{
	size_t column = strlen(header) + 2;
	size_t begin = out->length;

	str_addf(out, "%s: ", header);
	if (!name || !*name) {
		str_addf(out, "%s\r\n", address);
		return;
	}
	if (is_ascii(name) && !strstr(name, "=?") && strlen(name) * 2 + 2 + column <= LINE_MAX_LENGTH) {
		str_add_char(out, '"');
		for (; *name; name++) {
			if (*name == '"' || *name == '\\')
				str_add_char(out, '\\');
			str_add_char(out, *name);
		}
		str_add_char(out, '"');
	} else {
		add_encoded_words(out, name, column);
	}
	const char *line = memrchr(out->data + begin, '\n', out->length - begin);
	size_t used = (size_t)(out->data + out->length - (line ? line + 1 : out->data + begin));
	str_addf(out, "%s <%s>\r\n", used + strlen(address) + 3 > LINE_MAX_LENGTH ? "\r\n" : "", address);
}

static void add_hex(struct str *out, unsigned char c)
{
	str_addf(out, "=%02X", (unsigned)c);
}

/* How the byte at TEXT has to be written; LINE_START and LINE_END say where it stands in its line. */
static bool must_encode(const char *text, bool line_start, bool line_end)
{
	unsigned char c = (unsigned char)*text;

	if (c == '=' || c > 126)
		return true;
	if (c < ' ' && c != '\t')
		return true;
	if (line_end && (c == ' ' || c == '\t'))
		return true;
	/* A lone dot ends an SMTP message where a relay forgets to double it, and mbox quotes "From ". */
	return line_start && (c == '.' || strncmp(text, "From ", 5) == 0);
}

/* RFC 2045, 6.7; a soft break never splits a UTF-8 character, so that what shows a part undecoded stays readable. */
static void add_quoted_printable(struct str *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		if (*text == '\n') {
			str_add(out, "\r\n");
			column = 0;
			text++;
			continue;
		}
		size_t size = str_utf8_character(text, strnlen(text, 4), NULL);
		if (size == 0)
			size = 1;
		bool line_end = text[size] == '\n' || text[size] == '\0';
		bool encode = must_encode(text, column == 0, line_end);
		size_t width = encode ? 3 * size : 1;
		if (column + width > LINE_MAX_LENGTH - (line_end ? 0U : 1U)) {
			str_add(out, "=\r\n");
			column = 0;
			encode = must_encode(text, true, line_end);
			width = encode ? 3 * size : 1;
		}
		for (size_t i = 0; i < size; i++)
			if (encode)
				add_hex(out, (unsigned char)text[i]);
			else
				str_add_char(out, text[i]);
		column += width;
		text += size;
	}
	if (column > 0)
		str_add(out, "\r\n");
}

static void add_part_headers(struct str *out, const char *type)
{
	str_addf(out,
		 "Content-Type: text/%s; charset=utf-8\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		 type);
}

static void add_body(struct str *out, const struct mail *mail)
{
	str_add(out, "MIME-Version: 1.0\r\n");
	if (!mail->html) {
		add_part_headers(out, "plain");
		add_quoted_printable(out, mail->text);
		return;
	}
	str_addf(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n", boundary);
	str_addf(out, "--%s\r\n", boundary);
	add_part_headers(out, "plain");
	add_quoted_printable(out, mail->text);
	str_addf(out, "\r\n--%s\r\n", boundary);
	add_part_headers(out, "html");
	add_quoted_printable(out, mail->html);
	str_addf(out, "\r\n--%s--\r\n", boundary);
}

int mail_check_address(const char *address, struct err *e)
{
	size_t length = strlen(address);
	const char *at = strrchr(address, '@');

	if (length > ADDRESS_MAX)
		return err_set(e, ERR_USAGE, "mail address longer than %d bytes", ADDRESS_MAX);
	if (str_has_control(address) || strpbrk(address, " <>()[]\\,;:\"") || !at || at == address ||
	    !at[1] || strchr(address, '@') != at) {
		cleanup(cleanup_mem) char *shown = str_escape(address);
		return err_set(e, ERR_USAGE, "'%s' is not a mail address", shown);
	}
	return 0;
}

static int check_header(const char *name, const char *text, struct err *e)
{
	if (text && str_has_control(text))
		return err_set(e, ERR_USAGE, "%s: control character, or not UTF-8", name);
	return 0;
}

static int check_id(const char *name, const char *id, struct err *e)
{
	if (id && (!is_ascii(id) || strpbrk(id, " <>") || !strchr(id, '@')))
		return err_set(e, ERR_USAGE, "%s: not a message id", name);
	return check_header(name, id, e);
}

static int check(const struct mail *mail, struct err *e)
{
	if (mail_check_address(mail->from, e) < 0)
		return err_wrap(e, "From");
	if (mail_check_address(mail->to, e) < 0)
		return err_wrap(e, "To");
	if (mail->reply_to && mail_check_address(mail->reply_to, e) < 0)
		return err_wrap(e, "Reply-To");
	if (check_header("From", mail->from_name, e) < 0 || check_header("To", mail->to_name, e) < 0 ||
	    check_header("Subject", mail->subject, e) < 0)
		return e->code;
	if (check_id("Message-ID", mail->message_id, e) < 0 || check_id("In-Reply-To", mail->in_reply_to, e) < 0)
		return e->code;
	return 0;
}

int mail_compose(const struct mail *mail, struct str *out, struct err *e)
{
	char date[WHEN_TEXT_SIZE];

	if (check(mail, e) < 0)
		return e->code;
	add_address_header(out, "From", mail->from, mail->from_name);
	add_address_header(out, "To", mail->to, mail->to_name);
	if (mail->reply_to)
		add_address_header(out, "Reply-To", mail->reply_to, NULL);
	add_text_header(out, "Subject", mail->subject);
	str_addf(out, "Date: %s\r\n", when_format(mail->date, WHEN_MAIL, date));
	str_addf(out, "Message-ID: <%s>\r\n", mail->message_id);
	if (mail->in_reply_to)
		str_addf(out, "In-Reply-To: <%s>\r\nReferences: <%s>\r\n", mail->in_reply_to, mail->in_reply_to);
	str_add(out, "Auto-Submitted: auto-generated\r\n");
	add_body(out, mail);
	return 0;
}

/* FNV-1a, 64 bits (draft-eastlake-fnv): no secret is kept by it, it only has to differ. */
static uint64_t hash_parts(const char *const *parts)
{
	uint64_t hash = 0xCBF29CE484222325U;

	for (; *parts; parts++)
		for (const char *c = *parts;; c++) {
			hash = (hash ^ (unsigned char)*c) * 0x100000001B3U;
			if (!*c)
				break;
		}
	return hash;
}

char *mail_message_id(const char *name, const char *const *parts, const char *from)
{
	const char *at = strrchr(from, '@');
	const char *domain = at && is_ascii(at) ? at + 1 : "vmroll.invalid";

	return mem_format("%s.%016llx@%s", name, (unsigned long long)hash_parts(parts), domain);
}

void mail_add_html(struct str *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			str_add(out, "&amp;");
			break;
		case '<':
			str_add(out, "&lt;");
			break;
		case '>':
			str_add(out, "&gt;");
			break;
		case '"':
			str_add(out, "&quot;");
			break;
		case '\'':
			str_add(out, "&#39;");
			break;
		default:
			str_add_char(out, *text);
		}
}
