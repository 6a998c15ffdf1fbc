/* SPDX-License-Identifier: MIT */
#ifndef FRI_IDENTITY_H
#define FRI_IDENTITY_H

/* Floor 2: making the identity of an object, and distrusting one that somebody else made. */

#include "layout.h"

/* Fills the geometry for size bytes of user data (element_size 0: not an array). 0 or FR_ENOSPC. */
int fri_identity_for_region(uint64_t size, uint64_t element_size, struct fri_identity *identity);

/* Fills the geometry of a ring. The arguments were checked. 0 or FR_ENOSPC if beyond 2^62 bytes. */
int fri_identity_for_ring(uint32_t slots, uint64_t slot_size, uint32_t delivery, uint32_t overflow,
                          struct fri_identity *identity);

/*
 * 0 if the object can be used by this library: every number is recomputed from the few that are
 * free and must come out the same, and the file must be as large as it says.
 * FR_EFOREIGN no object of ours, FR_EVERSION (the detail names both versions), FR_ECORRUPT.
 */
int fri_identity_check(const struct fri_identity *identity, uint64_t file_size);

#endif
