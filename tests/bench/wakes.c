/* SPDX-License-Identifier: MIT */
/* Ping-pong between two processes: see wakes.h. */
#define _GNU_SOURCE
#include "wakes.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "sides.h"

/* word[i] is what side i waits for; each side counts up the other's. */
struct table {
    struct {
        _Alignas(128) _Atomic uint32_t word;
        _Atomic uint32_t is_closed;
    } end[2];
    enum wake_kind kind;
    int fd[2];
};

static void hit(struct table *table, uint32_t to)
{
    if (table->kind == WAKE_EVENTFD) {
        eventfd_write(table->fd[to], 1);
        return;
    }
    atomic_fetch_add(&table->end[to].word, 1);
    if (table->kind == WAKE_FUTEX)
        word_wake(&table->end[to].word, 1);
}

/* Waits until our word is not what we have seen, or all is over. */
static void wait_for_hit(struct table *table, uint32_t me, uint32_t *seen)
{
    if (table->kind == WAKE_EVENTFD) {
        eventfd_t unused;

        eventfd_read(table->fd[me], &unused);
        return;
    }
    while (atomic_load(&table->end[me].word) == *seen && !atomic_load(&table->end[me].is_closed)) {
        if (table->kind == WAKE_FUTEX)
            word_wait(&table->end[me].word, *seen);
    }
    (*seen)++;
}

static int play(struct side *side, void *user)
{
    struct table *table = user;
    const uint32_t me = side->index;
    uint32_t seen = 0;

    side_ready(side);
    if (me == 0)
        hit(table, 1);
    while (side_look(side) != PHASE_STOP) {
        wait_for_hit(table, me, &seen);
        hit(table, 1 - me);
        side_count(side);
    }
    atomic_store(&table->end[1 - me].is_closed, 1);
    hit(table, 1 - me);
    return 0;
}

static double run(struct table *table, bool is_same_cpu, double seconds)
{
    struct sides *sides = sides_new(SIDES_PROCESSES);
    double one_way_ns = 0;

    if (sides == NULL)
        return 0;
    sides_add(sides, play, 0, 0, table);
    sides_add(sides, play, 1, is_same_cpu ? 0 : 1, table);
    if (sides_run(sides, 0.2 * seconds, 0.8 * seconds) == 0 && side_rate(&sides->side[0]) > 0)
        one_way_ns = (double)NS_PER_S / side_rate(&sides->side[0]) / 2;
    sides_free(&sides);
    return one_way_ns;
}

double wakes_one_way_ns(enum wake_kind kind, bool is_same_cpu, double seconds)
{
    struct table *table = shared_new(sizeof *table);
    double one_way_ns = 0;

    if (table == NULL || (!is_same_cpu && cpu_count() < 2)) {
        shared_free(table, sizeof *table);
        return 0;
    }
    table->kind = kind;
    table->fd[0] = eventfd(0, EFD_CLOEXEC);
    table->fd[1] = eventfd(0, EFD_CLOEXEC);
    if (table->fd[0] >= 0 && table->fd[1] >= 0)
        one_way_ns = run(table, is_same_cpu, seconds);
    close(table->fd[0]);
    close(table->fd[1]);
    shared_free(table, sizeof *table);
    return one_way_ns;
}
