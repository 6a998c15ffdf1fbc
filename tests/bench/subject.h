/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

/*
 * What is run under strace to count system calls: "bench subject NAME" does an operation so many
 * times between marks, which are calls of getppid.
 */

#include <stdint.h>

struct subject {
    const char *name;
    const char *title;
    uint32_t operations;
    uint32_t sleepers; /* readers that sleep before each operation */
    int is_observed;
    int is_reading; /* what is between the marks: reading, or publishing */
};

extern const struct subject subjects[]; /* name is NULL at the end */

/* 0, or 1 if something failed. */
int subject_main(const char *name);

#endif
