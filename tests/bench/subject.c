/* SPDX-License-Identifier: MIT */
/* What is run under strace: see subject.h. The sleeping readers are children, and not traced. */
#define _GNU_SOURCE
#include "subject.h"

#include <framering/framering.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "traffic.h"

#define SLOTS 8
#define BATCH 4
#define MANY 1000
#define FEW 20
#define MOST_SLEEPERS 32

const struct subject subjects[] = {
    { "publish", "acquire+publish, nobody asleep", MANY, 0, 0, 0 },
    { "read", "acquire+release, items there", MANY, 0, 0, 1 },
    { "publish-observed", "acquire+publish, observers admitted", MANY, 0, 1, 0 },
    { "observe", "acquire+release of an observer", MANY, 0, 1, 1 },
    { "wake1", "acquire+publish, 1 asleep", FEW, 1, 0, 0 },
    { "wake32", "acquire+publish, 32 asleep", FEW, MOST_SLEEPERS, 0, 0 },
    { NULL, NULL, 0, 0, 0, 0 },
};

static bool publish(struct fr_writer *writer)
{
    struct fr_slot *slot;

    if (fr_writer_acquire(writer, FR_FOREVER, &slot) < 0)
        return false;
    slot->used = 64;
    return fr_writer_publish(&slot) == 0;
}

static bool read_one(struct fr_reader *reader)
{
    const struct fr_slot *slot;

    if (fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot) < 0)
        return false;
    fr_reader_release(&slot);
    return true;
}

/* Counting begins with the first of these, ends with the second, begins with the third… */
static void mark(void)
{
    syscall(SYS_getppid);
}

/* Publishes and reads in turn, with marks around one of the two. */
static bool exchange(const struct subject *subject, struct fr_writer *writer,
                     struct fr_reader *reader)
{
    bool is_good = true;

    for (uint32_t done = 0; done < subject->operations && is_good; done += BATCH) {
        if (!subject->is_reading)
            mark();
        for (uint32_t i = 0; i < BATCH && is_good; i++)
            is_good = publish(writer);
        mark();
        for (uint32_t i = 0; i < BATCH && is_good; i++)
            is_good = read_one(reader);
        if (subject->is_reading)
            mark();
    }
    return is_good;
}

/* Children that sleep in the ring until it is closed. */
static void sleep_in_ring(const char *name)
{
    struct fr_reader *reader;
    const struct fr_slot *slot;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fr_reader_open(name, NULL, FR_S(10), &reader) < 0)
        _exit(1);
    while (fr_reader_acquire(reader, FR_LATEST, FR_FOREVER, &slot) == 0)
        fr_reader_release(&slot);
    _exit(0);
}

static bool wake_sleepers(const struct subject *subject, struct fr_writer *writer)
{
    bool is_good = true;

    clock_sleep_until(clock_now_ns() + NS_PER_S / 5);
    mark();
    for (uint32_t i = 0; i < subject->operations && is_good; i++) {
        is_good = publish(writer);
        clock_sleep_until(clock_now_ns() + NS_PER_S / 100);
    }
    mark();
    return is_good;
}

static bool run_sleepers(const struct subject *subject, const char *name, struct fr_writer *writer)
{
    for (uint32_t i = 0; i < subject->sleepers; i++) {
        const pid_t pid = fork();

        if (pid < 0)
            return false;
        if (pid == 0)
            sleep_in_ring(name);
    }
    return wake_sleepers(subject, writer);
}

static bool run(const struct subject *subject)
{
    const char *name = fresh_name();
    struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = 4096, .slots = SLOTS, .observers = subject->is_observed);
    struct fr_writer *writer;
    struct fr_reader *reader = NULL;
    bool is_good;

    opts.overflow = subject->sleepers > 0 ? FR_DROP_OLDEST : FR_BLOCK;
    if (fr_writer_create(name, &opts, &writer) < 0)
        return false;
    if (subject->sleepers > 0) {
        is_good = run_sleepers(subject, name, writer);
    } else {
        is_good = fr_reader_open(name, &fr_reader_opts(.observe = subject->is_observed), FR_NOWAIT,
                                 &reader) == 0 &&
                  exchange(subject, writer, reader);
        fr_reader_close(&reader);
    }
    fr_writer_close(&writer); /* the children come to their end */
    while (wait(NULL) > 0)
        continue;
    return is_good;
}

int subject_main(const char *name)
{
    for (const struct subject *subject = subjects; subject->name != NULL; subject++) {
        if (strcmp(subject->name, name) == 0)
            return run(subject) ? 0 : 1;
    }
    return 1;
}
