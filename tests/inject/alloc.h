/* SPDX-License-Identifier: MIT */
#ifndef INJECT_ALLOC_H
#define INJECT_ALLOC_H

/*
 * Allocations that fail when they are told to. Linked with --wrap=malloc and --wrap=calloc, so that
 * those of the library come here.
 */

#include <stdbool.h>

/* The allocation of that number from now on fails, once; 0: none does. */
void alloc_fail_at(unsigned number);

/* Whether it has come to that. */
bool alloc_has_failed(void);

#endif
