/* SPDX-License-Identifier: MIT */
/* Allocations that fail when they are told to: see alloc.h. The names are the linker's. */
#include "alloc.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static unsigned left;
static bool has_failed;

void alloc_fail_at(unsigned number)
{
    left = number;
    has_failed = false;
}

bool alloc_has_failed(void)
{
    return has_failed;
}

static bool fails_now(void)
{
    if (left == 0 || --left > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}
