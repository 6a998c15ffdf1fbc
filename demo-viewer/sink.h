/* SPDX-License-Identifier: MIT */
#ifndef SINK_H
#define SINK_H

/*
 * Where frames go: a window, or nowhere but through the checks. A new sink is a file that defines a
 * struct sink, and a line in sinks.c. main opens it, lets it show the stream, closes it, and then
 * reports what was counted. A sink says itself what went wrong (report_error).
 */

#include <signal.h>

#include "options.h"
#include "tally.h"

/* What the program ends with. */
enum status {
    STATUS_FINE,
    STATUS_FAILED,
    STATUS_USAGE,
    STATUS_NO_STREAM,
    STATUS_LOST,
};

struct sink {
    const char *name;
    const char *help;    /* finished lines of --help */
    size_t private_size; /* of self, which main allocates, all zero */

    /* Gets ready to show. After a failure close is called all the same. */
    enum status (*open)(void *self, const struct options *options);

    /*
     * Waits for the streams and shows them, counting the frames of each in a tally of its own, until
     * they are over, the limits of the options are reached, the user wants to end, or *stop becomes
     * true (checked a few times a second).
     */
    enum status (*show)(void *self, const volatile sig_atomic_t *stop, struct tally *tallies);

    void (*close)(void *self);
};

extern const struct sink sink_window;
extern const struct sink sink_headless;

/* All of them, ending with NULL. */
extern const struct sink *const sinks[];

#endif
