/* SPDX-License-Identifier: MIT */

/*
 * See pace.h. Beats are computed from the rational rate each time, so that rounding never adds up.
 */

#define _GNU_SOURCE

#include "pace.h"

#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define SLICE_NS FR_MS(100) /* a signal that comes just before the sleep is seen after this */

static int64_t beat_ns(const struct pace *pace, uint64_t beat)
{
    uint64_t units = beat * (uint64_t)pace->rate.den;
    uint64_t num = (uint64_t)pace->rate.num;
    return pace->start_ns + (int64_t)(units / num) * SECOND_NS +
           (int64_t)(units % num * SECOND_NS / num);
}

/* The number of the last beat that is not after now. */
static uint64_t beat_at(const struct pace *pace, int64_t now_ns)
{
    uint64_t elapsed = (uint64_t)(now_ns - pace->start_ns);
    uint64_t num = (uint64_t)pace->rate.num;
    uint64_t units = elapsed / SECOND_NS * num + elapsed % SECOND_NS * num / SECOND_NS;
    return units / (uint64_t)pace->rate.den;
}

void pace_start(struct pace *pace, struct fr_rational rate)
{
    *pace = (struct pace){ .rate = rate, .start_ns = fr_now_ns() };
}

void pace_rested(struct pace *pace, int64_t since_ns)
{
    if (pace->rate.num == 0)
        return;
    uint64_t before = beat_at(pace, since_ns);
    uint64_t now = beat_at(pace, fr_now_ns());
    if (before > pace->next) {
        pace->late += before - pace->next;
        pace->next = before;
    }
    if (now > pace->next)
        pace->next = now;
}

void pace_sleep_until(int64_t due_ns, const volatile sig_atomic_t *stop)
{
    for (int64_t now_ns = fr_now_ns(); now_ns < due_ns && !*stop; now_ns = fr_now_ns()) {
        int64_t until_ns = due_ns - now_ns > SLICE_NS ? now_ns + SLICE_NS : due_ns;
        struct timespec until = { .tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}

uint64_t pace_wait(struct pace *pace, const volatile sig_atomic_t *stop)
{
    if (pace->rate.num == 0)
        return pace->next++;
    uint64_t current = beat_at(pace, fr_now_ns());
    if (current > pace->next) {
        pace->late += current - pace->next;
        pace->next = current;
    }
    pace_sleep_until(beat_ns(pace, pace->next), stop);
    return pace->next++;
}
