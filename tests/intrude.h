/* SPDX-License-Identifier: MIT */
#ifndef INTRUDE_H
#define INTRUDE_H

/*
 * Standing between the library and its platform (lib/src/platform.h): a call of one of its functions
 * can be refused, or something can be done just before it, as another process might. That makes rare
 * refusals and narrow races happen in a test whenever it wants.
 *
 * A program that uses it is linked with the names in intruded of tests/CMakeLists.txt. Only calls between
 * files of the library and by the test are seen, and only in the thread that began the intrusion.
 */

#include <stdbool.h>

#include "platform.h"

enum intrude_at {
    AT_ALLOC,
    AT_FORK_WATCH,
    AT_FORK_CLOSES,
    AT_FILE_CREATE,
    AT_MEMORY_CREATE,
    AT_MEMORY_SEAL,
    AT_FILE_NAME,
    AT_FILE_OPEN,
    AT_FILE_REOPEN,
    AT_FILE_INFO,
    AT_FILE_READ,
    AT_PATH_INFO,
    AT_PATH_REMOVE,
    AT_MAP,
    AT_LOCK_TRY,
    AT_LOCK_SHARE,
    AT_LOCK_IS_HELD,
    AT_TAKE,
    AT_COUNT
};

struct intrusion {
    enum intrude_at at;
    unsigned first;    /* the call where it begins; 0 counts as 1, the next one */
    unsigned calls;    /* how many in a row are meant; 0 counts as 1 */
    bool refuses;      /* the call does nothing and fails, with code if it has codes */
    int code;          /* of that refusal */
    void (*act)(void); /* done before the call */
    /* changes what the call found, of AT_FILE_INFO and AT_PATH_INFO */
    void (*doctor)(struct fri_file_info *found);
};

/* Every call from the first on. */
#define INTRUDE_ALWAYS 0xffffffffu

void intrude_begin(struct intrusion intrusion);

/* Ends it; returns how many calls were met. */
unsigned intrude_end(void);

#endif
