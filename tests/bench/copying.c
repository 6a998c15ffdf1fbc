/* SPDX-License-Identifier: MIT */
/* The limits of the memory: see copying.h. */
#define _GNU_SOURCE
#include "copying.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Batches of small items, so that counting does not show. */
#define BATCH_BYTES 65536

struct copier {
    const struct copying *copying;
    uint8_t *own; /* one item */
    uint64_t random;
    uint32_t process;
    uint32_t next;
    uint64_t sum;
};

static void copy_one(struct copier *copier)
{
    const struct copying *copying = copier->copying;
    uint8_t *node = copying->nodes + copier->next * copying->item_size;
    const size_t size = copying->item_size;

    copier->next = (copier->next + 1) % copying->nodes_count;
    switch (copying->kinds[copier->process]) {
    case COPYING_TO_NODES: {
        const void *source = work_source(copying->sources, 0, 1, &copier->random);

        (copying->is_streamed ? copy_streamed : copy_cached)(node, source, size);
        return;
    }
    case COPYING_FROM_NODES:
        copy_cached(copier->own, node, size);
        return;
    case COPYING_READ:
        copier->sum += work_sum(node, size);
        return;
    case COPYING_FILL:
        memset(node, (int)(copier->next & 0xff), size);
        return;
    }
}

/* Whatever has to be done once for each page of a process. */
static void warm_up(const struct copying *copying, uint32_t process)
{
    const size_t size = copying->nodes_count * copying->item_size;

    if (madvise(copying->nodes, (size + 4095) / 4096 * 4096, MADV_POPULATE_WRITE) < 0) {
        for (size_t offset = 0; offset < size; offset += 4096)
            atomic_fetch_add((_Atomic uint8_t *)(copying->nodes + offset), 0);
    }
    touch_pages(copying->nodes, size);
    if (copying->kinds[process] == COPYING_TO_NODES)
        work_sources_touch(copying->sources);
}

static int copy_body(struct side *side, void *user)
{
    const struct copying *copying = user;
    const uint64_t batch = 1 + BATCH_BYTES / copying->item_size;
    const size_t own_size = (copying->item_size + 4095) / 4096 * 4096;
    struct copier copier = { .copying = copying,
                             .random = side->index + 1,
                             .process = side->index,
                             .own = aligned_alloc(4096, own_size) };

    if (copier.own == NULL)
        return side_fail(side, -ENOMEM, "memory");
    memset(copier.own, 0, own_size);
    warm_up(copying, side->index);
    side_ready(side);
    while (side_look(side) != PHASE_STOP) {
        for (uint64_t i = 0; i < batch; i++)
            copy_one(&copier);
        atomic_fetch_add_explicit(&side->items, batch, memory_order_relaxed);
    }
    copier.own[0] = (uint8_t)copier.sum; /* so that the reads are not left out */
    free(copier.own);
    return 0;
}

double copying_run(const struct copying *copying)
{
    struct sides *sides = sides_new(SIDES_PROCESSES);
    struct copying mine = *copying;
    double rate = 0;

    if (sides == NULL)
        return 0;
    for (uint32_t i = 0; i < copying->processes; i++)
        sides_add(sides, copy_body, i, copying->is_pinned ? (int)i : -1, &mine);
    if (sides_run(sides, copying->warm_s, copying->run_s) == 0) {
        for (uint32_t i = 0; i < sides->count; i++)
            rate += side_rate(&sides->side[i]) * (double)copying->item_size;
    }
    sides_free(&sides);
    return rate;
}
