/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * What the command line asks for. Names follow FFmpeg's where both mean the same.
 */

#include <framering/framering.h>

struct options {
    const char *input;
    const char *output;
    uint32_t width; /* 0 if not given */
    uint32_t height;
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
