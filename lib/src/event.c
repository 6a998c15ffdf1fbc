/* SPDX-License-Identifier: MIT */
/* Floor 3: see event.h for the argument; the step names are its own. */
#include "event.h"

#include "base.h"
#include "platform.h"
#include "point.h"

/* A timer due within a tick or so makes the kernel's wake-up of who sleeps slower: tests/bench/NOTES. */
#define FIRST_SLICE_NS FR_MS(20)
#define LAST_SLICE_NS FR_MS(80)
#define SHORT_SLICE_NS FR_MS(5)

/* What sleeping and being woken costs, and what looking on instead may cost at the most. */
#define SHORT_WAIT_NS FR_US(50)

#define SOMEBODY_WAITS UINT32_C(1)
#define ONE_CHANGE UINT32_C(2)

/* Each failed attempt means that another waker or waiter got through; nobody needs so many. */
#define WAKE_ATTEMPTS 1000

void fri_wait_begin(struct fri_wait *wait, int64_t timeout_ns)
{
    *wait = (struct fri_wait){ .slice_ns = FIRST_SLICE_NS, .is_patient = timeout_ns != 0 };
    if (!wait->is_patient)
        return;
    wait->began_ns = fri_clock_now();
    wait->seen_ns = wait->began_ns;
    wait->deadline_ns = fri_deadline_from(wait->began_ns, timeout_ns);
}

void fri_wait_look_first(struct fri_wait *wait)
{
    if (wait->is_patient)
        wait->look_until_ns = wait->began_ns + SHORT_WAIT_NS;
}

bool fri_wait_was_short(const struct fri_wait *wait)
{
    return wait->is_patient && wait->seen_ns - wait->began_ns <= SHORT_WAIT_NS;
}

int64_t fri_wait_remaining(const struct fri_wait *wait)
{
    return wait->is_patient ? fri_remaining(wait->deadline_ns) : 0;
}

/* W4 */
static void sleep_slice(struct fri_wait *wait, fri_word32 *event, int64_t remaining_ns)
{
    int64_t start = fri_clock_now();

    fri_futex_wait(event, wait->ticket,
                   remaining_ns < wait->slice_ns ? remaining_ns : wait->slice_ns);
    wait->seen_ns = fri_clock_now();
    wait->slept_ns += wait->seen_ns - start;
    wait->sleeps++;
    wait->slice_ns = wait->slice_ns < LAST_SLICE_NS / 2 ? wait->slice_ns * 2 : LAST_SLICE_NS;
}

/* W2 */
static uint32_t announce(const struct fri_wait *wait, fri_word32 *event)
{
    if (wait->only_reads)
        return word32_load(event);
    return word32_set_bits(event, SOMEBODY_WAITS) | SOMEBODY_WAITS;
}

/* True: instead of sleeping the caller looks again, a moment later. */
static bool looks_on(struct fri_wait *wait)
{
    if (wait->look_until_ns == 0)
        return false;
    wait->seen_ns = fri_clock_now();
    if (wait->seen_ns >= wait->look_until_ns || wait->seen_ns >= wait->deadline_ns) {
        wait->look_until_ns = 0;
        return false;
    }
    fri_yield();
    return true;
}

int fri_wait_step(struct fri_wait *wait, fri_word32 *event)
{
    if (!wait->is_patient)
        return FR_ETIMEDOUT;
    if (looks_on(wait))
        return 0;
    if (!wait->announced) {
        wait->ticket = announce(wait, event); /* W2 */
        wait->announced = true;
        FR_POINT("wait announced");
        return 0; /* the caller's next look is W3 */
    }
    int64_t remaining = fri_wait_remaining(wait);
    if (remaining == 0)
        return FR_ETIMEDOUT;
    sleep_slice(wait, event, remaining);
    wait->announced = false;
    return 0;
}

void fri_wait_look_often(struct fri_wait *wait)
{
    wait->slice_ns = SHORT_SLICE_NS;
}

static void wake(fri_word32 *event, bool unasked)
{
    for (int i = 0; i < WAKE_ATTEMPTS; i++) {
        uint32_t seen = word32_load(event); /* P2 */

        if (!(seen & SOMEBODY_WAITS) && !unasked)
            return;
        if (word32_try_change(event, seen, (seen + ONE_CHANGE) & ~SOMEBODY_WAITS)) { /* P3 */
            FR_POINT("wake decided");
            fri_futex_wake_all(event); /* P4 */
            return;
        }
    }
}

void fri_event_wake(fri_word32 *event)
{
    wake(event, false);
}

void fri_event_wake_unasked(fri_word32 *event)
{
    wake(event, true);
}
