/*
 * page.h - a message as a template makes it, set as plain text and as HTML.
 *
 *	an empty line            ends a block; several are one, and none stands at the beginning or the end
 *	cells, TABs between      rows of a table: aligned by display width (East Asian characters are two columns)
 *	words  a command         what follows two blanks is to be typed: it is never broken
 *	anything else            a paragraph, wrapped in the text
 */
#ifndef VMROLL_PAGE_H
#define VMROLL_PAGE_H

/* Both forms of SOURCE, whole lines of UTF-8 in which names are escaped (str_add_escaped) already; the caller frees them. */
void page_set(const char *source, char **text, char **html);

#endif
