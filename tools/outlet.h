/* SPDX-License-Identifier: MIT */
#ifndef OUTLET_H
#define OUTLET_H

/*
 * A stream that a command makes: the options that say how its ring is, and its making, with a
 * sentence for everything that can go wrong.
 */

#include <argp.h>
#include <framering/framering.h>

struct outlet_opts {
    const char *name;
    uint32_t slots; /* 0: the library's default */
    enum fr_overflow policy;
    uint32_t mode; /* 0: the library's default */
    int must_wait; /* for the first reader */
};

/* The options --slots, --policy, --mode, --wait-for-reader; as a child, with a struct outlet_opts. */
extern const struct argp outlet_argp;

const char *outlet_policy_name(enum fr_overflow policy);

/*
 * Makes the ring. COMMAND_OK, or the exit status after a sentence; also COMMAND_OK when the user
 * ended the wait for the first reader.
 */
int outlet_open(const struct outlet_opts *opts, uint64_t slot_size, struct fr_writer **out);

/* How many readers there are that surely get the next frame: somebody who is just joining may not. */
uint32_t outlet_count_readers(const char *name);

/* A sentence for a frame that could not be written. */
void outlet_refused(const struct outlet_opts *opts, int error);

#endif
