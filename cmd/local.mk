# One block a utility; each links what it needs and nothing else.
cmd_common = cmd/cli.c cmd/cli.h cmd/rows.c cmd/rows.h
