/* address.h - the forms of network, mail and phone addresses that people write in the configuration. */
#ifndef VMROLL_ADDRESS_H
#define VMROLL_ADDRESS_H

#include <stdbool.h>

#include "err.h"

/* An IPv4 or IPv6 literal (with %ZONE for link-local ones), or a DNS name (RFC 1123, also underscores). ERR_USAGE. */
int address_check_host(const char *text, struct err *e);

/*
 * One plain mail address: LOCAL@DOMAIN as RFC 5321 has it without quoting
 * (dot-atom; UTF-8 as RFC 6531), at most 64 bytes before the @ and 254 in all;
 * the domain a DNS name, or an address literal in brackets. ERR_USAGE.
 */
int address_check_email(const char *text, struct err *e);

/*
 * A whole SIP URI of the kind that can do nothing but call: sip:[USER@]HOST[:PORT] (RFC 3261, 19.1), at most
 * 512 bytes. USER is unreserved characters and +, without escapes and password; HOST as above, IPv6 in
 * brackets; of parameters only transport=udp, transport=tcp and user=phone; no headers. ERR_USAGE.
 */
int address_check_sip(const char *text, struct err *e);

/* Digits with * # and + ([0-9+*#]+, at most 32), or what address_check_sip takes. ERR_USAGE. */
int address_check_phone(const char *text, struct err *e);

/*
 * The host of a URL (SCHEME://[USER@]HOST[:PORT]…) or of a sip: URI (sip:[USER@]HOST[:PORT][;…], RFC 3261, 19.1.1), IPv6 literals
 * without their brackets; NULL if there is none. The caller frees.
 */
char *address_uri_host(const char *uri);

/* Whether TEXT is a URL (SCHEME://…) whose user part holds a password. */
bool address_has_password(const char *text);

#endif
