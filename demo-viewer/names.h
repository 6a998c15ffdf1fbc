/* SPDX-License-Identifier: MIT */
#ifndef NAMES_H
#define NAMES_H

/*
 * The names of the streams there are on this machine: of rings that carry frames now. They are
 * sorted, so that "next" means the same each time.
 */

#include <stddef.h>

#define NAME_SIZE 80 /* UID:NAME, and the 0 behind it */

struct names {
    char (*name)[NAME_SIZE];
    size_t count;
};

/* The names as of now; none if they cannot be listed. names_free gives the memory back. */
void names_read(struct names *names);
void names_free(struct names *names);

/* The name that is steps places behind this one, from the end on to the start; NULL if that is this
 * one itself, or there is none. */
const char *names_beside(const struct names *names, const char *name, int steps);

/* "a, b, c", cut short where it does not fit; empty if there are none. */
void names_text(const struct names *names, char *text, size_t size);

#endif
