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
#include <framering/meta.h>
#include <signal.h>

#include "options.h"

/* What a source gives. A source may change size and format later: the ring is made anew if it must. */
struct stream {
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    struct fr_rational rate; /* its own; 0/1 if it has none */
    int is_timed;            /* it waits for each picture's time itself, and gives the pts */
    uint64_t slot_size;      /* it needs; 0: what size and format need */
    uint32_t slots;          /* it needs; 0: the usual number */
    struct fr_stages stages; /* of the picture just read, as far as it knows */
    uint64_t copied;         /* pictures that were not made in their slot, so far */
    uint64_t lost;           /* pictures that could not be had of a damaged input, so far */
};

enum source_result {
    SOURCE_FAILED = -1,
    SOURCE_OK,
    SOURCE_END,     /* there are no more pictures */
    SOURCE_SAME,    /* there is no new picture after all */
    SOURCE_CHANGED, /* the stream changed: ask again, with a frame of the new shape */
};

struct source {
    const char *name;
    const char *help;    /* finished lines of --help */
    size_t private_size; /* of self, which main allocates, all zero */

    /* True if the options, -i before all, mean this source. */
    int (*matches)(const struct options *options);

    /*
     * Begins. *stop becomes true when the user wants to end, and then every wait has to end soon.
     * On SOURCE_FAILED close is called all the same.
     */
    enum source_result (*open)(void *self, const struct options *options,
                               const volatile sig_atomic_t *stop, struct stream *stream);

    /*
     * NULL, or told about each ring, before its first frame. fresh_slots is the number of slots if
     * nobody else has seen the ring yet, else 0.
     */
    enum source_result (*attach)(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                 const struct stream *stream);

    /* NULL, or waits until there is something new to be read, or until_ns has come. */
    enum source_result (*wait)(void *self, int64_t until_ns, struct stream *stream);

    /*
     * Fills the frame with the next picture; number counts the calls. Sets what it knows of colour,
     * aspect and pts, the rest is done. Without a frame (NULL) the picture is left out.
     */
    enum source_result (*read)(void *self, uint64_t number, struct fr_frame *frame,
                               struct stream *stream);

    /*
     * NULL, or in place of read, for a source that fills slots before it is asked: gives the frame
     * with the next picture, or NULL if that had to be left out. And publishes it.
     */
    enum source_result (*take)(void *self, struct stream *stream, struct fr_frame **frame);
    int (*publish)(void *self, struct fr_frame **frame);

    void (*close)(void *self);
};

extern const struct source source_av; /* where FFmpeg is there to build it */
extern const struct source source_test;
extern const struct source source_wayland; /* where Wayland is */
extern const struct source source_x11;
extern const struct source source_y4m;

/* All of them, ending with NULL. */
extern const struct source *const sources[];

#endif
