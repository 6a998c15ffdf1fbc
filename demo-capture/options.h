/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * What the command line asks for. Names follow FFmpeg's where both mean the same.
 */

#include <framering/framering.h>

enum cursor_mode {
    CURSOR_DRAW, /* into the picture */
    CURSOR_META, /* beside it */
    CURSOR_NONE,
};

struct options {
    const char *input;
    const char *container; /* FFmpeg's name of the input's format; NULL if not given */
    const char *output;
    uint32_t width; /* 0 if not given */
    uint32_t height;
    uint32_t x; /* of the piece of the screen */
    uint32_t y;
    uint32_t window_id;      /* 0 if not given */
    const char *window_name; /* NULL if not given */
    enum cursor_mode cursor;
    int no_damage;
    int is_screen;           /* something was said that only a screen has */
    struct fr_rational rate; /* 0/1 means as fast as it goes */
    int has_rate;
    enum fr_format format; /* FR_FORMAT_NONE if not given */
    uint64_t frames;       /* 0 without limit */
    int64_t duration_ns;   /* 0 without limit */
    uint32_t slots;
    enum fr_overflow policy;
    enum fr_delivery delivery;
    uint32_t mode; /* permission bits; 0 if not given */
    uint16_t writer_id;
    int join;
    int loop;
    int quiet;
    const char *json; /* NULL if not given, "-" for standard output */
};

/* Fills in defaults and the command line; on a mistake, or for --help, it ends the program. */
void options_parse(int argc, char **argv, struct options *options);

/* The words of the command line for the values. */
const char *options_policy_name(enum fr_overflow policy);
const char *options_delivery_name(enum fr_delivery delivery);

#endif
