/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_H
#define SOURCE_H

/*
 * A source of pictures. A new one is a file that defines a struct source, and its name here and in
 * sources.c.
 *
 * main opens it, makes a ring of the shape that it named, and then again and again lends it a free
 * frame of the ring to fill: so a source never copies, it writes where viewers will read. A source
 * says itself what went wrong (report_error).
 */

#include <framering/framering.h>
#include <signal.h>

#include "options.h"

/* What a source gives. A source may change the size later, but not beyond the first. */
struct stream {
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    struct fr_rational rate; /* its own; 0/1 if it has none */
};

enum source_result {
    SOURCE_FAILED = -1,
    SOURCE_OK,
    SOURCE_END,     /* there are no more pictures */
    SOURCE_CHANGED, /* the stream changed: ask again, with a frame of the new size */
};

struct source {
    const char *name;
    const char *help;    /* finished lines of --help */
    size_t private_size; /* of self, which main allocates, all zero */

    /* True if the argument of -i means this source. */
    int (*matches)(const char *input);

    /*
     * Begins. *stop becomes true when the user wants to end, and then every wait has to end soon.
     * On SOURCE_FAILED close is called all the same.
     */
    enum source_result (*open)(void *self, const struct options *options,
                               const volatile sig_atomic_t *stop, struct stream *stream);

    /*
     * NULL, or told once about the ring, before the first frame. fresh_slots is the number of slots
     * if nobody else has seen the ring yet, else 0.
     */
    enum source_result (*attach)(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                 const struct stream *stream);

    /*
     * Fills the frame with the next picture; number counts the calls. Sets what it knows of colour,
     * aspect and pts, the rest is done. Without a frame (NULL) the picture is left out.
     */
    enum source_result (*read)(void *self, uint64_t number, struct fr_frame *frame,
                               struct stream *stream);

    void (*close)(void *self);
};

extern const struct source source_test;
extern const struct source source_x11;
extern const struct source source_y4m;

/* All of them, ending with NULL. */
extern const struct source *const sources[];

#endif
