/* SPDX-License-Identifier: MIT */
#ifndef FRI_REGION_H
#define FRI_REGION_H

/* Floor 4: what a handle to a region is, for region.c and the views of a region in access.c. */

#include "object.h"
#include "rwlock.h"

struct fr_region {
    struct fri_object object;
    struct fri_rwlock lock; /* unused if the region was opened FR_READ_ONLY */
    bool is_owner;
};

/* Makes a region, or an array if element_size is not 0. The codes are fr_region_create's. */
int fri_region_create(const char *name, uint64_t size, uint64_t element_size,
                      const struct fr_region_opts *opts, struct fr_region **out);

/*
 * Opens an array of elements of this size, or, if element_size is 0, a region of any kind: the one of
 * that name or, for a name of NULL, the one behind fd.
 */
int fri_region_open(const char *name, int fd, uint64_t element_size, enum fr_access access,
                    int64_t timeout_ns, struct fr_region **out);

#endif
