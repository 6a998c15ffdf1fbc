/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

/*
 * Everything that the program says: errors, the statistics line on a terminal once a second, the
 * summary and the JSON at the end.
 */

#include "options.h"

struct report {
    /* What is being done; set before report_start. */
    const struct options *options;
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    struct fr_rational rate;
    uint32_t slots;
    enum fr_overflow policy;
    enum fr_delivery delivery;

    /* Counted by main. */
    uint64_t frames;  /* published */
    uint64_t dropped; /* left out because no slot was free */
    uint64_t copied;  /* that were not made in their slot */
    uint64_t lost;    /* that could not be had of a damaged input */
    uint64_t late;    /* beats of the rate that passed without a picture */
    uint64_t bytes;   /* of picture in the frames published */
    int64_t end_ns;   /* when the last frame was done with */

    /* Its own. */
    int is_live; /* there is a terminal to write a line on */
    int64_t start_ns;
    int64_t line_ns; /* when the last line was written, and frames at that time */
    uint64_t line_frames;
};

/* One sentence on standard error, after the program's name. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

void report_start(struct report *report);

/* Once for each frame: writes the line when it is time. */
void report_tick(struct report *report);

/* The summary, and the JSON. 0, or -1 if the file could not be written (it has said so). */
int report_finish(struct report *report);

#endif
