/* SPDX-License-Identifier: MIT */

/*
 * See load.h: the process that starts the others. It keeps a handle of its own on the ring, as a
 * writer that writes nothing, so that the ring lives when all the others are killed.
 */

#define _GNU_SOURCE

#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "stop.h"

#define TICKS_PER_SECOND 10
#define TICK_MS (1000 / TICKS_PER_SECOND)
#define GRACE_NS FR_S(10) /* for readers to read what is left */
#define READERS_COME_MS 2

struct crowd {
    struct load *load;
    pid_t worker[LOAD_MAX_WORKERS]; /* the writers, then the readers; 0: none */
    uint32_t count;
    int has_failed;
    int is_ending; /* nobody who dies is replaced any more */
};

static int is_writer(const struct crowd *crowd, uint32_t index)
{
    return index < crowd->load->opts.writers;
}

/* The child. It goes when its parent does, however that goes. */
static _Noreturn void work(const struct crowd *crowd, uint32_t index, pid_t parent)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGINT, &ignore, NULL); /* Ctrl-C is for the parent to understand */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(COMMAND_FAILED);
    const struct load *load = crowd->load;
    int status = is_writer(crowd, index) ? load_write(load, index)
                                         : load_read(load, index - load->opts.writers);
    _exit(status);
}

static int start(struct crowd *crowd, uint32_t index)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        work(crowd, index, parent);
    if (child < 0) {
        command_error("cannot start a process: %s", strerror(errno));
        crowd->has_failed = 1;
        return -1;
    }
    crowd->worker[index] = child;
    return 0;
}

/* Takes note of the dead; those that were killed begin anew. How many are left. */
static uint32_t reap(struct crowd *crowd, uint32_t first, uint32_t end)
{
    uint32_t alive = 0;
    for (uint32_t i = first; i < end; i++) {
        int status = 0;
        if (crowd->worker[i] == 0)
            continue;
        if (waitpid(crowd->worker[i], &status, WNOHANG) == 0) {
            alive++;
            continue;
        }
        crowd->worker[i] = 0;
        if (WIFEXITED(status)) {
            crowd->has_failed |= WEXITSTATUS(status) != COMMAND_OK;
        } else if (WTERMSIG(status) == SIGKILL) {
            if (!crowd->is_ending && start(crowd, i) == 0)
                alive++;
        } else {
            command_error("a process of the load crashed with signal %d", WTERMSIG(status));
            crowd->has_failed = 1;
        }
    }
    return alive;
}

/* Kills each with the given probability in a second. */
static void kill_some(struct crowd *crowd)
{
    const struct load_opts *opts = &crowd->load->opts;
    for (uint32_t i = 0; i < crowd->count; i++) {
        double chance = is_writer(crowd, i) ? opts->kill_writer : opts->kill_reader;
        if (crowd->worker[i] == 0 || drand48() >= chance / TICKS_PER_SECOND)
            continue;
        kill(crowd->worker[i], SIGKILL);
        atomic_fetch_add(&crowd->load->counts[i].kills, 1);
    }
}

static void signal_all(const struct crowd *crowd, uint32_t first, uint32_t end, int signal)
{
    for (uint32_t i = first; i < end; i++)
        if (crowd->worker[i] > 0)
            kill(crowd->worker[i], signal);
}

static int is_over(const struct crowd *crowd, uint32_t writers)
{
    const struct load *load = crowd->load;
    return stop_asked || crowd->has_failed || writers == 0 ||
           (load->opts.duration_ns > 0 && fr_now_ns() - load->start_ns >= load->opts.duration_ns);
}

/* Sleeps in short pieces until all of them are gone, or for too long. */
static void see_off(struct crowd *crowd, uint32_t first, uint32_t end)
{
    int64_t deadline_ns = fr_now_ns() + GRACE_NS;
    const struct timespec moment = { .tv_nsec = 2000000 };
    while (reap(crowd, first, end) > 0) {
        if (fr_now_ns() > deadline_ns)
            signal_all(crowd, first, end, SIGKILL);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
    }
}

/* First the writers, then the ring: its end tells the readers that there is nothing more to read. */
static void end_all(struct crowd *crowd, struct fr_writer **writer)
{
    uint32_t writers = crowd->load->opts.writers;
    crowd->is_ending = 1;
    signal_all(crowd, 0, writers, SIGTERM);
    see_off(crowd, 0, writers);
    crowd->load->end_ns = fr_now_ns();
    fr_writer_close(writer);
    if (stop_asked || crowd->has_failed)
        signal_all(crowd, writers, crowd->count, SIGTERM);
    see_off(crowd, writers, crowd->count);
}

/* Readers come first, so that they are there for the first frame. */
static void start_all(struct crowd *crowd)
{
    const struct load_opts *opts = &crowd->load->opts;
    for (uint32_t i = opts->writers; i < crowd->count && !crowd->has_failed; i++)
        start(crowd, i);
    while (!stop_asked && !crowd->has_failed &&
           outlet_count_readers(opts->outlet.name) < opts->readers) {
        stop_sleep_until(fr_now_ns() + FR_MS(READERS_COME_MS));
        reap(crowd, opts->writers, crowd->count);
    }
    for (uint32_t i = 0; i < opts->writers && !crowd->has_failed; i++)
        start(crowd, i);
    crowd->load->start_ns = fr_now_ns();
}

static void supervise(struct crowd *crowd, load_tick_fn tick, void *user)
{
    const struct load_opts *opts = &crowd->load->opts;
    uint32_t writers = reap(crowd, 0, opts->writers);
    while (!is_over(crowd, writers)) {
        stop_sleep_until(fr_now_ns() + FR_MS(TICK_MS));
        kill_some(crowd);
        reap(crowd, opts->writers, crowd->count);
        writers = reap(crowd, 0, opts->writers);
        crowd->load->end_ns = fr_now_ns();
        tick(crowd->load, user);
    }
}

int load_run(struct load *load, const struct load_opts *opts, load_tick_fn tick, void *user)
{
    struct crowd crowd = { .load = load, .count = opts->writers + opts->readers };
    struct fr_writer *writer = NULL;
    *load = (struct load){ .opts = *opts };
    void *memory = mmap(NULL, crowd.count * sizeof *load->counts, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        command_error("out of memory");
        return COMMAND_FAILED;
    }
    load->counts = memory;
    uint64_t slot_size = fr_frame_size(opts->width, opts->height, opts->format);
    int status = outlet_open(&opts->outlet, slot_size, &writer);
    if (status == COMMAND_OK) {
        srand48(fr_now_ns());
        start_all(&crowd);
        supervise(&crowd, tick, user);
        end_all(&crowd, &writer);
        status = crowd.has_failed ? COMMAND_FAILED : COMMAND_OK;
    }
    if (status != COMMAND_OK)
        load_free(load);
    return status;
}

void load_free(struct load *load)
{
    if (load->counts)
        munmap(load->counts, (load->opts.writers + load->opts.readers) * sizeof *load->counts);
    load->counts = NULL;
}
