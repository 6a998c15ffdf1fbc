/* SPDX-License-Identifier: MIT */
#ifndef FINDINGS_H
#define FINDINGS_H

/*
 * What `framering doctor` found out about this machine: each finding is one sentence, with its fix
 * if there is something to mend.
 */

#include <stddef.h>

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_BAD };

struct finding {
    enum finding_level level;
    const char *check; /* static: which check found it */
    char text[200];
    char fix[200]; /* empty: nothing to do */
};

#define MAX_FINDINGS 32

struct findings {
    struct finding finding[MAX_FINDINGS];
    size_t count;
};

/* Adds a finding without a fix, which finding_fix can then give to it. */
void finding_add(struct findings *findings, enum finding_level level, const char *check,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
void finding_fix(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* /dev/shm: its size and use, who may write there, what dead programs left, huge pages. */
void findings_of_memory(struct findings *findings);

/* Limits of this process and of its container. */
void findings_of_limits(struct findings *findings);

/* What removes shared memory when a user logs out. */
void findings_of_logind(struct findings *findings);

/* Whether a frame really goes from a writer to a reader. */
void findings_of_trial(struct findings *findings);

#endif
