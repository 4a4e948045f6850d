/* call_standin.h - until ledger.h and conf.h have them. */
#ifndef VMROLL_CALL_STANDIN_H
#define VMROLL_CALL_STANDIN_H

#include <stdint.h>

#include "conf.h"
#include "err.h"

enum call_end {
	CALL_NONE,
	CALL_KEY,
	CALL_BUSY,
	CALL_NO_ANSWER,
	CALL_DECLINED,
	CALL_NO_KEY,
	CALL_EARLY_BYE,
	CALL_NO_AUDIO,
	CALL_UNREACHABLE,
	CALL_REFUSED
};

struct delivery_outcome {
	struct err err;
	enum call_end call;
	char key;
};

struct conf_sip {
	char *from;
	char *exchange;
	char *registrar;
	char *user, *password;
	struct conf_list password_command;
	int64_t ring_timeout_ms;
	char *voice_lang;
	unsigned calls;
	char *vm;
};

#endif
