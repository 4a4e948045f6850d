#!/usr/bin/env bats
# source.bats - rules that every file of the source keeps, and that each rule finds what breaks it

# shellcheck disable=SC2016 # what is planted is not expanded
# shellcheck source=tests/meta/rules.bash
source "$BATS_TEST_DIRNAME/rules.bash"

@test "no forbidden call" {
	holds calls
}

@test "a forbidden call is found" {
	plant lib/a.c 'void f(char *p) { strcpy(p, "x"); }' '/* system("x") */ const char *s = "popen(";' \
		'int g(void) { return atoi ("1"); }'
	plant cmd/b.c 'int main(void) { return system("ls"); }' 'char *shell[] = { "/bin/sh" };'
	finds calls lib/a.c:1: lib/a.c:3: cmd/b.c:1: cmd/b.c:2:
	[[ $output != *lib/a.c:2* ]]
}

@test "a module that prints or ends the process is found" {
	plant lib/a.c 'void f(void) { exit(1); }' 'void g(void) { fputs("x", stderr); }' 'void h(void) { _exit(1); snprintf(0, 0, ""); }' '#include <err.h>'
	plant lib/log.c 'void f(void) { fputs("x", stderr); }'
	plant cmd/b.c 'int main(void) { printf("x"); exit(0); }'
	finds calls lib/a.c:1: lib/a.c:2: lib/a.c:4:
	[[ $output != *lib/a.c:3* && $output != *log.c* && $output != *cmd/b.c* ]]
}

@test "each module includes only what stands above it" {
	holds tiers
}

@test "an include upwards, a foreign one, and an unlisted module are found" {
	plant lib/tiers '0 err' '0 str' '1 xml libxml' '2 vm' '2 roll'
	plant lib/err.c '#include "str.h"' '#include "vm.h"'
	plant lib/vm.c '#include "roll.h"' '#include <libxml/tree.h>'
	plant lib/xml.c '#include <libxml/tree.h>' '#include "err.h"'
	plant lib/roll.c '#include "vm.h"' '#include "xml.h"'
	plant lib/new.c '#include "err.h"'
	plant lib/vm_part.c '#include "vm.h"' '#include "err.h"'
	plant cmd/a.c '#include <libxml/tree.h>'
	finds tiers lib/err.c:2: lib/vm.c:1: lib/vm.c:2: lib/new.c:1: cmd/a.c:1:
	[[ $(wc -l <<<"$output") -eq 5 ]]
}

@test "each header compiles alone" {
	read -ra flags < <(pkg-config --cflags libxml-2.0)
	holds selfcontained "${flags[@]}"
}

@test "a header that needs another first is found" {
	plant lib/a.h '/* a.h - x */' 'size_t f(void);'
	plant lib/b.h '#include <stddef.h>' 'size_t g(void);'
	finds selfcontained lib/a.h:1:
	[[ $output != *lib/b.h* ]]
}

@test "each file begins with its purpose" {
	holds purpose
}

@test "a file without a purpose is found" {
	plant lib/a.c '#include "a.h"'
	plant lib/b.c '/* b.c - says it. */'
	plant scripts/run '#!/bin/sh' 'true'
	chmod +x "$tree/scripts/run"
	finds purpose lib/a.c:1: scripts/run:1:
	[[ $output != *lib/b.c* ]]
}

@test "nothing is marked as left for later" {
	holds words
}

@test "a mark is found" {
	plant lib/a.c '/* TO''DO */'
	plant README 'fine'
	finds words lib/a.c:1:
	plant lib/a.c '/* a todo list */'
	spares words
}

@test "shellcheck finds nothing" {
	holds shell
}

@test "a careless script is found" {
	plant scripts/run '#!/bin/bash' 'rm -rf $1/x' 'ls $2'
	plant tests/x.bats '@test "x" {' '	ls $1' '}'
	plant tests/data 'rm -rf $1/x'
	chmod +x "$tree/scripts/run"
	finds shell scripts/run:2: scripts/run:3: tests/x.bats:2:
	[[ $output != *tests/data* ]]
}

@test "what clang-tidy finds is found, also a file that it cannot read" {
	cp "$top_srcdir/.clang-tidy" "$BATS_TEST_TMPDIR"
	plant lib/a.c 'int f(int a);' 'int f(int a) { if (a == 1 || a == 1) return 2; return 3; }'
	plant lib/b.c '#include "missing.h"'
	plant lib/c.c 'int g(int a);' 'int g(int a) { return a; }'
	plant build/config.h ''
	finds tidy lib/a.c:2: lib/b.c:1: -- build
	[[ $output != *lib/c.c* ]]
}

@test "clang-format would change nothing" {
	holds format
}

@test "what clang-format would change is found" {
	cp "$top_srcdir/.clang-format" "$BATS_TEST_TMPDIR"
	plant lib/a.c 'int f( int a )' '{' '    return a ;' '}'
	plant lib/b.c 'int g(int a)' '{' $'\treturn a;' '}'
	finds format lib/a.c:1: lib/a.c:3:
	[[ $output != *lib/b.c* ]]
}
