/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads that are measured together: see sides.h. The main process only sleeps and
 * looks, a thousand times a second while sides open and end, not at all while they are measured.
 */
#define _GNU_SOURCE
#include "sides.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { STATE_STARTING, STATE_READY, STATE_ENDED };

#define PATIENCE_S 30.0 /* for opening and for ending */
#define EXTENSION_S 3.0

void *shared_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    memset(memory, 0, size);
    return memory;
}

void shared_free(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}

struct sides *sides_new(enum sides_kind kind)
{
    struct sides *sides = shared_new(sizeof *sides);

    if (sides != NULL) {
        sides->kind = kind;
        sides->least_items = 2;
        sides->most_s = EXTENSION_S;
    }
    return sides;
}

void sides_free(struct sides **sides)
{
    shared_free(*sides, sizeof **sides);
    *sides = NULL;
}

void sides_add(struct sides *sides, side_body body, uint32_t index, int cpu, void *user)
{
    struct side *side = &sides->side[sides->count];

    side->body = body;
    side->index = index;
    side->cpu = cpu;
    side->user = user;
    side->sides = sides;
    sides->count++;
}

/* In a side ------------------------------------------------------------------------------------ */

static int64_t timeval_ns(struct timeval time)
{
    return time.tv_sec * NS_PER_S + time.tv_usec * 1000;
}

static void mark(const struct side *side, struct side_mark *out)
{
    struct rusage usage;

    /* A process counts the threads that its transport has started for itself, too. */
    getrusage(side->sides->kind == SIDES_THREADS ? RUSAGE_THREAD : RUSAGE_SELF, &usage);
    out->items = atomic_load_explicit(&side->items, memory_order_relaxed);
    out->cpu_ns = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
    out->faults = (uint64_t)usage.ru_minflt;
    out->switches = (uint64_t)usage.ru_nvcsw;
    out->at_ns = clock_now_ns();
}

void side_turn(struct side *side, enum phase phase)
{
    if (side->phase < PHASE_RUN && phase == PHASE_RUN)
        mark(side, &side->begin);
    if (phase == PHASE_STOP && side->end.at_ns == 0)
        mark(side, &side->end);
    side->phase = phase;
}

void side_ready(struct side *side)
{
    atomic_store(&side->state, STATE_READY);
    while (atomic_load(&side->sides->phase) == PHASE_OPENING)
        word_wait(&side->sides->phase, PHASE_OPENING);
    side_look(side);
}

int side_fail(struct side *side, int error, const char *what)
{
    snprintf(side->what, sizeof side->what, "%s", what);
    return error < 0 ? error : -EIO;
}

static void run_body(struct side *side)
{
    pin_to_cpu(side->cpu);
    side->error = side->body(side, side->user);
    if (side->error < 0)
        atomic_fetch_add(&side->sides->failed, 1);
    if (side->end.at_ns == 0)
        mark(side, &side->end);
    atomic_store(&side->state, STATE_ENDED);
}

static void *thread_main(void *user)
{
    run_body(user);
    return NULL;
}

static void run_threads(struct sides *sides)
{
    pthread_t thread[MAX_SIDES];

    for (uint32_t i = 0; i < sides->count; i++) {
        if (pthread_create(&thread[i], NULL, thread_main, &sides->side[i]) != 0)
            _exit(1);
    }
    for (uint32_t i = 0; i < sides->count; i++)
        pthread_join(thread[i], NULL);
}

/* In the main process -------------------------------------------------------------------------- */

/* Forks a process that ends with its parent, also if that is killed. 0 in the child. */
static pid_t fork_attached(void)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    signal(SIGINT, SIG_IGN); /* the parent ends us, in its order */
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    return 0;
}

static int start(struct sides *sides)
{
    const uint32_t processes = sides->kind == SIDES_THREADS ? 1 : sides->count;

    for (uint32_t i = 0; i < processes; i++) {
        const pid_t pid = fork_attached();

        if (pid < 0)
            return -errno;
        if (pid == 0) {
            if (sides->kind == SIDES_THREADS)
                run_threads(sides);
            else
                run_body(&sides->side[i]);
            _exit(0);
        }
        sides->side[i].pid = pid;
    }
    return 0;
}

static void end(struct sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++) {
        if (sides->side[i].pid <= 0)
            continue;
        kill(sides->side[i].pid, SIGKILL);
        while (waitpid(sides->side[i].pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        sides->side[i].pid = 0;
    }
}

/* True if a process is gone that has not said that it ended. */
static bool has_died(struct sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++) {
        struct side *side = &sides->side[i];
        int status;

        if (side->pid <= 0 || waitpid(side->pid, &status, WNOHANG) != side->pid)
            continue;
        side->pid = 0;
        if (atomic_load(&side->state) == STATE_ENDED)
            continue;
        if (WIFSIGNALED(status))
            snprintf(sides->error, sizeof sides->error, "side %u was killed by signal %d", i,
                     WTERMSIG(status));
        else
            snprintf(sides->error, sizeof sides->error, "side %u has left", i);
        return true;
    }
    return false;
}

static int describe_failure(struct sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++) {
        const struct side *side = &sides->side[i];

        if (atomic_load(&side->state) != STATE_ENDED || side->error >= 0)
            continue;
        snprintf(sides->error, sizeof sides->error, "%s: error %d (%s)", side->what, side->error,
                 strerror(-side->error));
        return side->error;
    }
    return -EIO;
}

/* 0, or why waiting is over. */
static int trouble(struct sides *sides)
{
    if (interrupted()) {
        snprintf(sides->error, sizeof sides->error, "interrupted");
        return -EINTR;
    }
    if (atomic_load(&sides->failed) > 0)
        return describe_failure(sides);
    return has_died(sides) ? -ECHILD : 0;
}

static bool all_reached(struct sides *sides, uint32_t state)
{
    for (uint32_t i = 0; i < sides->count; i++) {
        if (atomic_load(&sides->side[i].state) < state)
            return false;
    }
    return true;
}

static int wait_for_state(struct sides *sides, uint32_t state, const char *what)
{
    const int64_t deadline_ns = clock_now_ns() + clock_ns(PATIENCE_S);

    while (!all_reached(sides, state)) {
        const int error = trouble(sides);

        if (error < 0)
            return error;
        if (clock_now_ns() > deadline_ns) {
            snprintf(sides->error, sizeof sides->error, "did not %s within %.0f s", what,
                     PATIENCE_S);
            return -ETIMEDOUT;
        }
        clock_sleep_until(clock_now_ns() + NS_PER_S / 2000);
    }
    return atomic_load(&sides->failed) > 0 ? describe_failure(sides) : 0;
}

static void set_phase(struct sides *sides, enum phase phase)
{
    atomic_store(&sides->phase, phase);
    word_wake(&sides->phase, INT_MAX);
}

/* True if each side has done so many items; of those that it is measured by, in PHASE_RUN. */
static bool all_have(struct sides *sides, enum phase phase, uint32_t items)
{
    for (uint32_t i = 0; i < sides->count; i++) {
        const struct side *side = &sides->side[i];

        if (atomic_load(&side->state) == STATE_ENDED)
            continue;
        if (atomic_load(&side->items) < side->begin.items + items)
            return false;
        if (phase == PHASE_RUN && items > 0 && side->begin.at_ns == 0)
            return false;
    }
    return true;
}

/* Sleeps in pieces, so that a side that fails or dies is noticed. */
static int let_run(struct sides *sides, enum phase phase, double seconds)
{
    const int64_t end_ns = clock_now_ns() + clock_ns(seconds);

    set_phase(sides, phase);
    for (;;) {
        const int error = trouble(sides);
        const int64_t now_ns = clock_now_ns();

        if (error < 0 || now_ns >= end_ns)
            return error;
        clock_sleep_until(end_ns - now_ns > NS_PER_S / 10 ? now_ns + NS_PER_S / 10 : end_ns);
    }
}

static int extend(struct sides *sides, enum phase phase, uint32_t items)
{
    const int64_t end_ns = clock_now_ns() + clock_ns(sides->most_s);

    while (!all_have(sides, phase, items) && clock_now_ns() < end_ns) {
        const int error = let_run(sides, phase, 0.005);

        if (error < 0)
            return error;
    }
    return 0;
}

static int run(struct sides *sides, double warm_s, double run_s)
{
    int error = start(sides);

    if (error == 0)
        error = wait_for_state(sides, STATE_READY, "open");
    if (error == 0)
        error = let_run(sides, PHASE_WARM, warm_s);
    if (error == 0)
        error = extend(sides, PHASE_WARM, sides->warm_items);
    if (error == 0)
        error = let_run(sides, PHASE_RUN, run_s);
    if (error == 0)
        error = extend(sides, PHASE_RUN, sides->least_items);
    if (error < 0)
        return error;
    set_phase(sides, PHASE_STOP);
    return wait_for_state(sides, STATE_ENDED, "end");
}

int sides_run(struct sides *sides, double warm_s, double run_s)
{
    fflush(NULL); /* or each child would have what is not written yet, once more */
    const int error = run(sides, warm_s, run_s);

    end(sides);
    if (error < 0 && sides->error[0] == '\0')
        snprintf(sides->error, sizeof sides->error, "%s", strerror(-error));
    return error;
}

/* Results -------------------------------------------------------------------------------------- */

uint64_t side_items(const struct side *side)
{
    return side->begin.at_ns == 0 ? 0 : side->end.items - side->begin.items;
}

double side_rate(const struct side *side)
{
    if (side->begin.at_ns == 0 || side->end.at_ns <= side->begin.at_ns)
        return 0;
    return (double)side_items(side) / clock_seconds(side->end.at_ns - side->begin.at_ns);
}

double side_cpu_s(const struct side *side)
{
    return side->begin.at_ns == 0 ? 0 : clock_seconds(side->end.cpu_ns - side->begin.cpu_ns);
}
