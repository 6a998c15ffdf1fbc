/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * What the command line asks for. Names are demo-capture's where both mean the same.
 */

#include <framering/framering.h>

#define MAX_STREAMS 64

struct options {
    const char *names[MAX_STREAMS];
    size_t count;     /* of names, at least 1 */
    const char *sink; /* the name of one of sinks[] */
    int64_t wait_ns;  /* for the stream; FR_FOREVER without limit */
    int every;        /* every frame rather than the newest */
    int follow;       /* headless: go on with the next ring of the name */
    int exit_on_eos;  /* window: end when the stream is closed by its writers */
    int no_reconnect; /* end when the stream is over, with STATUS_LOST if its writers died */
    int verify;
    uint64_t frames;        /* 0 without limit */
    int64_t duration_ns;    /* 0 without limit */
    const char *screenshot; /* NULL if not given */
    const char *json;       /* NULL if not given, "-" for standard output */
    int quiet;
    int fullscreen;
    int follow_size; /* the window takes the picture's size whenever that changes */
    int vsync;
    uint32_t width; /* of the window; 0 if not given */
    uint32_t height;
};

/* Fills in defaults and the command line; on a mistake, or for --help, it ends the program. */
void options_parse(int argc, char **argv, struct options *options);

#endif
