/* SPDX-License-Identifier: MIT */
#ifndef AUDIENCE_H
#define AUDIENCE_H

/*
 * Who else is at our ring: whether anybody watches, so that nothing need be captured for nobody, and
 * whether anybody else writes, so that a slot may hold somebody else's picture.
 */

#include <framering/framering.h>

struct audience {
    int64_t looked_ns;
    int is_watching;
};

/*
 * Looks at most ten times a second. Observers are seen only by the slots that they hold, so a ring
 * that admits them is taken for watched.
 */
int audience_is_watching(struct audience *audience, const char *name);

/* Whether all that was ever published in the ring are `published` frames of its only writer. */
int audience_writes_nothing(const char *name, uint64_t published);

#endif
