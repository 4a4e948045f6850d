# embed.awk - the templates, lib/templates/LANG/NAME.txt, as lib/wording_texts.c
BEGIN {
	print "/* wording_texts.c - made by the build from lib/templates. */"
	print "#include \"config.h\"\n\n#include \"wording_private.h\"\n\nconst struct wording_text wording_texts[] = {"
}
FNR == 1 {
	if (NR > 1)
		print "\t},"
	parts = split(FILENAME, part, "/")
	sub(/\.txt$/, "", part[parts])
	printf "\t{\"%s\", \"%s\",\n", part[parts - 1], part[parts]
}
{
	gsub(/[\\"]/, "\\\\&")
	printf "\t \"%s\\n\"\n", $0
}
END { print "\t},\n\t{NULL, NULL, NULL},\n};" }
