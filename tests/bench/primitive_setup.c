/* SPDX-License-Identifier: MIT */
/*
 * Making a ring and joining it; what the first lap through it costs those who did; and, with strace,
 * how many system calls operations make.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "primitives.h"
#include "sides.h"
#include "subject.h"

#define SETUP "set-up"
#define LAPS "first lap"
#define CALLS "system calls"

/* Creating and attaching ----------------------------------------------------------------------- */

/* Mapping the ring's memory without the library; with its pages entered at once, or not. */
static double time_mapping(const struct fr_writer *writer, int flags)
{
    int fd;

    if (fr_writer_fd(writer, FR_READ_ONLY, &fd) < 0)
        return 0;
    const off_t size = lseek(fd, 0, SEEK_END);
    const int64_t begin_ns = clock_now_ns();
    void *memory = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED | flags, fd, 0);
    const int64_t took_ns = clock_now_ns() - begin_ns;
    if (memory != MAP_FAILED)
        munmap(memory, (size_t)size);
    close(fd);
    return memory != MAP_FAILED ? (double)took_ns / 1e3 : 0;
}

static void time_attaching(struct primitives *primitives, const char *name,
                           const struct fr_writer *writer, int observe, const char *what)
{
    struct fr_reader *reader;
    const double populated_us = time_mapping(writer, MAP_POPULATE);
    const int64_t begin_ns = clock_now_ns();
    const int error = fr_reader_open(name, &fr_reader_opts(.observe = observe), FR_NOWAIT, &reader);
    const int64_t took_ns = clock_now_ns() - begin_ns;

    fr_reader_close(&reader);
    if (error < 0)
        primitive_fail(primitives, SETUP, what, error);
    else
        primitive_put(primitives, SETUP, what, "us", (double)took_ns / 1e3, populated_us);
}

static void measure_setup(struct primitives *primitives)
{
    const struct picture *picture = bench_picture(primitives->bench, true);
    const uint64_t slot_size = fr_frame_size(picture->width, picture->height, FR_FORMAT_BGRA);
    static const uint32_t slots_of[] = { 4, 8, 32 }; /* a gigabyte of 4K frames in full runs only */
    uint32_t slots = slots_of[primitives->bench->mode];
    struct fr_writer *writer;
    const char *name = fresh_name();
    char what[64];

    while (slots > FR_MIN_SLOTS && !shm_has_room(slots * slot_size))
        slots /= 2;
    snprintf(what, sizeof what, "create a ring of %u %s frames", slots, picture->name);
    const int64_t begin_ns = clock_now_ns();
    const int error =
        fr_writer_create(name,
                         &fr_writer_opts(.slot_size = slot_size, .slots = slots, .observers = 1),
                         &writer);
    const int64_t created_ns = clock_now_ns();
    if (error < 0) {
        primitive_fail(primitives, SETUP, what, error);
        return;
    }
    primitive_put(primitives, SETUP, what, "us", (double)(created_ns - begin_ns) / 1e3, 0);
    time_attaching(primitives, name, writer, 0, "attach a reader (x mapping it populated)");
    time_attaching(primitives, name, writer, 1, "attach an observer (x mapping it populated)");
    primitive_put(primitives, SETUP, "bare mmap of it", "us", time_mapping(writer, 0), 0);
    primitive_put(primitives, SETUP, "bare mmap of it, populated", "us",
                  time_mapping(writer, MAP_POPULATE), 0);
    const int64_t closing_ns = clock_now_ns();
    fr_writer_close(&writer);
    primitive_put(primitives, SETUP, "close it", "us", (double)(clock_now_ns() - closing_ns) / 1e3,
                  0);
}

/* First laps ----------------------------------------------------------------------------------- */

#define LAP_SLOTS 4

struct lap {
    uint64_t faults;
    int64_t ns;
};

enum { CREATOR, JOINER, READER, LAPPERS };
static const char *const lappers[LAPPERS] = { "creating writer", "joining writer", "reader" };

struct laps {
    char name[48];
    struct picture picture;
    struct lap lap[LAPPERS][2]; /* the first lap and the second */
};

static uint64_t minor_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_minflt;
}

static int write_lap(struct fr_writer *writer, const struct picture *picture, struct lap *lap)
{
    for (uint64_t i = 0; i < LAP_SLOTS; i++) {
        struct fr_frame *frame;
        const int error = fr_frame_acquire(writer, picture->width, picture->height, FR_FORMAT_BGRA,
                                           FR_S(20), &frame);

        if (error < 0)
            return error;
        const uint64_t faults = minor_faults();
        const int64_t begin_ns = clock_now_ns();
        memset(frame->plane[0].data, (int)i, picture_bytes(picture));
        lap->ns += clock_now_ns() - begin_ns;
        lap->faults += minor_faults() - faults;
        const int published = fr_frame_publish(&frame);
        if (published < 0)
            return published;
    }
    return 0;
}

static int read_lap(struct fr_reader *reader, const struct picture *picture, struct lap *lap,
                    uint64_t *sum)
{
    for (uint64_t i = 0; i < LAP_SLOTS; i++) {
        const struct fr_frame *frame;
        const int error = fr_frame_wait(reader, FR_NEXT, FR_S(20), &frame);

        if (error < 0)
            return error;
        const uint64_t faults = minor_faults();
        const int64_t begin_ns = clock_now_ns();
        *sum += work_sum(frame->plane[0].data, picture_bytes(picture));
        lap->ns += clock_now_ns() - begin_ns;
        lap->faults += minor_faults() - faults;
        fr_frame_release(&frame);
    }
    return 0;
}

static int lap_writing(struct side *side, void *user)
{
    struct laps *laps = user;
    const bool is_creator = side->index == CREATOR;
    struct fr_writer *writer;
    const struct picture *picture = &laps->picture;
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = fr_frame_size(picture->width, picture->height, FR_FORMAT_BGRA),
                       .slots = LAP_SLOTS);
    int error = is_creator ? fr_writer_create(laps->name, &opts, &writer)
                           : fr_writer_open(laps->name, FR_S(20), &writer);

    if (error < 0)
        return side_fail(side, error, "writer");
    side_ready(side);
    for (int lap = 0; lap < 2 && error == 0; lap++)
        error = write_lap(writer, picture, &laps->lap[side->index][lap]);
    fr_writer_close(&writer);
    return error < 0 ? side_fail(side, error, "write") : 0;
}

static int lap_reading(struct side *side, void *user)
{
    struct laps *laps = user;
    struct fr_reader *reader;
    uint64_t sum = 0;
    int error = fr_reader_open(laps->name, NULL, FR_S(20), &reader);

    if (error < 0)
        return side_fail(side, error, "reader");
    side_ready(side);
    for (int lap = 0; lap < 2 && error == 0; lap++)
        error = read_lap(reader, &laps->picture, &laps->lap[READER][lap], &sum);
    while (error == 0) { /* the rest, so that the writers need not wait */
        struct lap unused = { 0 };

        error = read_lap(reader, &laps->picture, &unused, &sum);
    }
    fr_reader_close(&reader);
    atomic_store(&side->items, sum & 1); /* so that reading is not left out */
    return error == FR_ECLOSED ? 0 : side_fail(side, error, "read");
}

static void put_laps(struct primitives *primitives, const struct laps *laps)
{
    for (int i = 0; i < LAPPERS; i++) {
        const struct lap *first = &laps->lap[i][0];
        const struct lap *second = &laps->lap[i][1];
        char name[80];

        snprintf(name, sizeof name, "page faults of a %s frame, %s", laps->picture.name,
                 lappers[i]);
        primitive_put(primitives, LAPS, name, "faults", (double)first->faults / LAP_SLOTS, 0);
        snprintf(name, sizeof name, "time of a %s frame, %s (x second lap)", laps->picture.name,
                 lappers[i]);
        primitive_put(primitives, LAPS, name, "us", (double)first->ns / 1e3 / LAP_SLOTS,
                      (double)second->ns / 1e3 / LAP_SLOTS);
    }
}

static void measure_laps(struct primitives *primitives)
{
    struct laps *laps = shared_new(sizeof *laps);
    struct sides *sides = sides_new(SIDES_PROCESSES);

    if (laps != NULL && sides != NULL) {
        snprintf(laps->name, sizeof laps->name, "%s", fresh_name());
        laps->picture = *bench_picture(primitives->bench, false);
        sides->least_items = 0;
        sides_add(sides, lap_writing, CREATOR, -1, laps);
        sides_add(sides, lap_writing, JOINER, -1, laps);
        sides_add(sides, lap_reading, READER, -1, laps);
        const int error = sides_run(sides, 0.001, 0.001);
        const int unused = fr_unlink(laps->name); /* if a writer was killed */
        (void)unused;
        if (error == 0)
            put_laps(primitives, laps);
        else if (!interrupted())
            primitive_fail(primitives, LAPS, sides->error, error);
    }
    sides_free(&sides);
    shared_free(laps, sizeof *laps);
}

void primitives_of_setup(struct primitives *primitives)
{
    if (primitives->round == 0 || primitives->bench->mode == BENCH_FULL)
        measure_setup(primitives); /* slow: not in every round of a quick run */
    if (!interrupted())
        measure_laps(primitives);
}

/* System calls --------------------------------------------------------------------------------- */

/* Calls between the marks of a trace, without the marks and the naps. */
static double count_calls(const char *path)
{
    FILE *trace = fopen(path, "re");
    char line[512];
    uint32_t marks = 0;
    uint32_t calls = 0;

    if (trace == NULL)
        return -1;
    while (fgets(line, sizeof line, trace) != NULL) {
        if (strncmp(line, "getppid(", strlen("getppid(")) == 0)
            marks++;
        else if (marks % 2 == 1 &&
                 strncmp(line, "clock_nanosleep(", strlen("clock_nanosleep(")) != 0 &&
                 strncmp(line, "---", 3) != 0)
            calls++;
    }
    fclose(trace);
    return marks > 0 && marks % 2 == 0 ? (double)calls : -1;
}

/* Runs a program without output, in a process group of its own: what is typed at the terminal must
 * not kill it while it has shared memory. True if it ended with 0. */
static bool run_quietly(const char *const arguments[])
{
    const pid_t pid = fork();
    int status;

    if (pid == 0) {
        const int nowhere = open("/dev/null", O_RDWR);

        setpgid(0, 0);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR)
            return false;
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static double trace_subject(const struct primitives *primitives, const char *subject)
{
    char path[] = "/tmp/bench-trace-XXXXXX";
    const char *const arguments[] = { "strace",  "-qq",   "-o", path, primitives->bench->self,
                                      "subject", subject, NULL };
    const int fd = mkstemp(path);
    double calls = -1;

    if (fd < 0)
        return -1;
    close(fd);
    if (run_quietly(arguments))
        calls = count_calls(path);
    unlink(path);
    return calls;
}

void primitives_of_calls(struct primitives *primitives)
{
    if (primitives->round > 0) /* counts do not change from round to round */
        return;
    if (!run_quietly((const char *const[]){ "strace", "-qq", "-o", "/dev/null", "true", NULL })) {
        snprintf(primitives->skipped, sizeof primitives->skipped,
                 "system calls are not counted: strace is missing (apt-get install strace) or may "
                 "not trace");
        return;
    }
    for (uint32_t i = 0; subjects[i].name != NULL && !interrupted(); i++) {
        const double calls = trace_subject(primitives, subjects[i].name);

        if (calls < 0)
            primitive_fail(primitives, CALLS, subjects[i].title, -EIO);
        else
            primitive_put(primitives, CALLS, subjects[i].title, "calls",
                          calls / subjects[i].operations, 0);
    }
}
