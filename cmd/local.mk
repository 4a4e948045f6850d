# One block a utility; each links what it needs and nothing else.
cmd_common = cmd/cli.c cmd/cli.h cmd/rows.c cmd/rows.h

bin_PROGRAMS += cmd/hostping/hostping
cmd_hostping_hostping_SOURCES = $(cmd_common) \
	cmd/hostping/board.c \
	cmd/hostping/cells.h \
	cmd/hostping/confirm.c cmd/hostping/confirm.h \
	cmd/hostping/engine.c cmd/hostping/engine.h \
	cmd/hostping/fill.c \
	cmd/hostping/hostping.c cmd/hostping/hostping.h \
	cmd/hostping/lines.c cmd/hostping/lines.h \
	cmd/hostping/once.c \
	cmd/hostping/prober.c cmd/hostping/prober.h \
	cmd/hostping/recorder.c cmd/hostping/recorder.h \
	cmd/hostping/screen.c cmd/hostping/screen.h \
	cmd/hostping/status.c \
	cmd/hostping/targets.c cmd/hostping/targets.h \
	cmd/hostping/tell.c cmd/hostping/tell.h
cmd_hostping_hostping_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(JANSSON_LIBS) \
	$(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CAP_LIBS) $(NCURSES_LIBS)

bin_PROGRAMS += cmd/vmwhere/vmwhere
cmd_vmwhere_vmwhere_SOURCES = $(cmd_common) \
	cmd/vmwhere/diff.c \
	cmd/vmwhere/duplicates.c \
	cmd/vmwhere/filter.c \
	cmd/vmwhere/find.c \
	cmd/vmwhere/history.c \
	cmd/vmwhere/show.c \
	cmd/vmwhere/vmwhere.c cmd/vmwhere/vmwhere.h
cmd_vmwhere_vmwhere_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(JANSSON_LIBS) \
	$(SMARTCOLS_LIBS) $(CONFUSE_LIBS)
