/* SPDX-License-Identifier: MIT */
#ifndef FRI_SHARE_H
#define FRI_SHARE_H

/*
 * Floor 2: mapping, with one exception for tests. ThreadSanitizer tells addresses apart, not memory:
 * between two mappings of one object it sees no race at all. So in the testing build a test may
 * have all handles of its process share one mapping (share.c, only there). The product maps.
 */

#include "platform.h"

#ifdef FR_TESTING

extern bool fri_share_mappings;

bool fri_share_is_on(void);
int fri_share_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload,
                  void **out);
void fri_share_unmap(void *address, uint64_t size);

#else

static inline bool fri_share_is_on(void)
{
    return false;
}

static inline int fri_share_map(int fd, uint64_t offset, uint64_t size, bool writable,
                                bool is_payload, void **out)
{
    return fri_map(fd, offset, size, writable, is_payload, out);
}

static inline void fri_share_unmap(void *address, uint64_t size)
{
    fri_unmap(address, size);
}

#endif

#endif
