/* SPDX-License-Identifier: MIT */
#ifndef TOP_TABLE_H
#define TOP_TABLE_H

/*
 * The table of `framering top` as lines of text, the same for a terminal and for a pipe: a line for
 * each stream and below it one for each of its writers (w), readers (r) and for its observers (o).
 */

#include <stddef.h>

#include "watch.h"

enum line_style {
    LINE_PLAIN,
    LINE_TITLE,  /* of the whole table */
    LINE_HEAD,   /* the names of the columns */
    LINE_STREAM, /* a living one */
    LINE_GONE,   /* a stream that is dead, closed or cannot be read */
};

struct line {
    enum line_style style;
    char text[160];
};

struct top_table {
    struct line *line;
    size_t count;
};

/* Makes the table anew. 0 or FR_ENOMEM. */
int top_table_fill(struct top_table *table, const struct watch *watch);
void top_table_free(struct top_table *table);

/* How many lines at the top are not to be scrolled. */
#define TOP_TABLE_HEAD 2

#endif
