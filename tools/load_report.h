/* SPDX-License-Identifier: MIT */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

/* What gen says: a line about the last second while the load runs, and everything at its end. */

#include "load.h"

struct load_line {
    int64_t last_ns; /* when the line before was written, and what had been counted by then */
    uint64_t written;
    uint64_t bytes;
    uint64_t read;
    int is_open; /* a line stands on the terminal without its end */
};

/* A load_tick_fn with a struct load_line: on a terminal the line is rewritten in place. */
void load_report_tick(const struct load *load, void *line);

/* The report on standard output, as text or JSON. 0, or -1 after a sentence. */
int load_report(const struct load *load, struct load_line *line, int as_json);

/* How many frames were not what they should be: 0 is the proof that gen --verify is there for. */
uint64_t load_report_wrong(const struct load *load);

#endif
