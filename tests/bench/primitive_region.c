/* SPDX-License-Identifier: MIT */
/*
 * Regions: the lock, alone and between two processes, beside a mutex that processes share; and
 * structures and arrays in shared memory, beside plain assignment in an array of the program's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <framering/typed.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "primitives.h"
#include "sides.h"

#define LOCKS "lock"
#define ACCESS "array access"
#define PAIRS 64
#define ELEMENTS 4096

/* Locks ---------------------------------------------------------------------------------------- */

static pthread_mutex_t *shared_mutex(void)
{
    pthread_mutex_t *mutex = shared_new(sizeof *mutex);
    pthread_mutexattr_t attributes;

    if (mutex == NULL)
        return NULL;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return mutex;
}

static double time_mutex(pthread_mutex_t *mutex, struct batches *batches, double seconds)
{
    const int64_t begin_ns = clock_now_ns();

    batches->count = 0;
    while (clock_now_ns() - begin_ns < clock_ns(seconds)) {
        const int64_t at_ns = clock_now_ns();

        for (int i = 0; i < PAIRS; i++) {
            pthread_mutex_lock(mutex);
            pthread_mutex_unlock(mutex);
        }
        batches_add(batches, clock_now_ns() - at_ns);
    }
    return batches_ns(batches, PAIRS);
}

static double time_lock(struct fr_region *region, enum fr_lock kind, struct batches *batches,
                        double seconds)
{
    const int64_t begin_ns = clock_now_ns();

    batches->count = 0;
    while (clock_now_ns() - begin_ns < clock_ns(seconds)) {
        const int64_t at_ns = clock_now_ns();

        for (int i = 0; i < PAIRS; i++) {
            if (fr_region_lock(region, kind, FR_FOREVER) < 0 || fr_region_unlock(region) < 0)
                return 0;
        }
        batches_add(batches, clock_now_ns() - at_ns);
    }
    return batches_ns(batches, PAIRS);
}

/* Two processes, each locking again at once. */
struct contest {
    char name[48];
    enum fr_lock kind[2];
    pthread_mutex_t *mutex; /* instead of the region's lock */
};

static int contend_for_mutex(struct side *side, pthread_mutex_t *mutex)
{
    side_ready(side);
    while (side_look(side) != PHASE_STOP) {
        pthread_mutex_lock(mutex);
        pthread_mutex_unlock(mutex);
        side_count(side);
    }
    return 0;
}

static int contend_for_region(struct side *side, const struct contest *contest)
{
    struct fr_region *region;
    int error = fr_region_open(contest->name, FR_READ_WRITE, FR_S(20), &region);

    if (error < 0)
        return side_fail(side, error, "open");
    side_ready(side);
    while (side_look(side) != PHASE_STOP && error == 0) {
        error = fr_region_lock(region, contest->kind[side->index], FR_FOREVER);
        if (error == 0)
            error = fr_region_unlock(region);
        side_count(side);
    }
    fr_region_close(&region);
    return error < 0 ? side_fail(side, error, "lock") : 0;
}

static int contend(struct side *side, void *user)
{
    const struct contest *contest = user;

    if (contest->mutex != NULL)
        return contend_for_mutex(side, contest->mutex);
    return contend_for_region(side, contest);
}

/* Nanoseconds per lock and unlock, of both together. */
static double time_contest(struct contest *contest, double seconds)
{
    struct sides *sides = sides_new(SIDES_PROCESSES);
    double rate = 0;

    if (sides == NULL)
        return 0;
    for (uint32_t i = 0; i < 2; i++)
        sides_add(sides, contend, i, -1, contest);
    if (sides_run(sides, 0.2 * seconds, seconds) == 0)
        rate = side_rate(&sides->side[0]) + side_rate(&sides->side[1]);
    sides_free(&sides);
    return rate > 0 ? (double)NS_PER_S / rate : 0;
}

static void put_contest(struct primitives *primitives, const char *name, struct contest *contest,
                        double limit)
{
    const double ns = time_contest(contest, 2 * primitives->slice_s);

    if (ns > 0)
        primitive_put(primitives, LOCKS, name, "ns", ns, limit);
    else if (!interrupted())
        primitive_fail(primitives, LOCKS, name, -EIO);
}

static void measure_locks(struct primitives *primitives, struct batches *batches)
{
    pthread_mutex_t *mutex = shared_mutex();
    struct contest contest = { 0 };
    struct fr_region *region;
    const char *name = fresh_name();

    snprintf(contest.name, sizeof contest.name, "%s", name);
    if (mutex == NULL || fr_region_create(name, 4096, NULL, &region) < 0) {
        shared_free(mutex, sizeof *mutex);
        primitive_fail(primitives, LOCKS, "lock+unlock, shared", -ENOMEM);
        return;
    }
    const double slice_s = primitives->slice_s;
    const double alone = time_mutex(mutex, batches, slice_s);
    primitive_put(primitives, LOCKS, "lock+unlock, shared", "ns",
                  time_lock(region, FR_SHARED, batches, slice_s), alone);
    primitive_put(primitives, LOCKS, "lock+unlock, exclusive", "ns",
                  time_lock(region, FR_EXCLUSIVE, batches, slice_s), alone);

    struct contest mutex_contest = { .mutex = mutex };
    const double contended = time_contest(&mutex_contest, 2 * slice_s);
    contest.kind[0] = contest.kind[1] = FR_SHARED;
    put_contest(primitives, "two processes, both shared", &contest, contended);
    contest.kind[0] = FR_EXCLUSIVE;
    put_contest(primitives, "two processes, shared and exclusive", &contest, contended);
    contest.kind[1] = FR_EXCLUSIVE;
    put_contest(primitives, "two processes, both exclusive", &contest, contended);
    fr_region_close(&region);
    shared_free(mutex, sizeof *mutex);
}

/* Arrays --------------------------------------------------------------------------------------- */

struct point {
    double x, y, z;
    uint64_t id;
};
FR_TYPED(point, struct point);

struct access {
    struct fr_region *region;
    struct point *shared; /* the region's elements */
    struct point *plain;  /* of our own */
    struct point *other;
    uint64_t wrong;
};

/* Keeps the compiler from moving, merging or leaving out what is timed. */
static inline void settle(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static struct point point_number(uint64_t number)
{
    return (struct point){ .x = (double)number, .y = 1, .z = 2, .id = number };
}

static void store_plain(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        access->plain[i] = point_number(i);
        settle(access->plain);
    }
}

static void store_at(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        access->shared[i] = point_number(i);
        settle(access->shared);
    }
}

static void store_set(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        const struct point value = point_number(i);

        access->wrong += point_array_set(access->region, i, &value) != 0;
    }
}

static void store_write(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        const struct point value = point_number(i);

        access->wrong += point_write(access->region, i * sizeof value, &value) != 0;
    }
}

static void load_plain(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        const struct point value = access->plain[i];

        settle(&value);
        access->wrong += value.id != i;
    }
}

static void load_get(struct access *access)
{
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        struct point value;

        access->wrong += point_array_get(access->region, i, &value) != 0 || value.id != i;
    }
}

static void copy_plain(struct access *access)
{
    memcpy(access->other, access->plain, ELEMENTS * sizeof *access->plain);
    settle(access->other);
}

static void copy_set_many(struct access *access)
{
    access->wrong += point_array_set_many(access->region, 0, ELEMENTS, access->plain) != 0;
}

static void copy_get_many(struct access *access)
{
    access->wrong += point_array_get_many(access->region, 0, ELEMENTS, access->other) != 0;
}

static double time_access(struct access *access, void (*all)(struct access *),
                          struct batches *batches, double seconds)
{
    const int64_t begin_ns = clock_now_ns();

    batches->count = 0;
    do {
        const int64_t at_ns = clock_now_ns();

        all(access);
        batches_add(batches, clock_now_ns() - at_ns);
    } while (clock_now_ns() - begin_ns < clock_ns(seconds));
    return batches_ns(batches, ELEMENTS);
}

struct access_kind {
    const char *name;
    void (*ours)(struct access *);
    void (*plain)(struct access *);
};

static const struct access_kind access_kinds[] = {
    { "store, through point_array_at", store_at, store_plain },
    { "store, point_array_set", store_set, store_plain },
    { "store, point_write at an offset", store_write, store_plain },
    { "load, point_array_get", load_get, load_plain },
    { "store 4096, point_array_set_many", copy_set_many, copy_plain },
    { "load 4096, point_array_get_many", copy_get_many, copy_plain },
};

static void measure_accesses(struct primitives *primitives, struct access *access,
                             struct batches *batches)
{
    for (size_t i = 0; i < sizeof access_kinds / sizeof access_kinds[0]; i++) {
        const struct access_kind *kind = &access_kinds[i];
        const double slice_s = primitives->slice_s / 2;
        const double plain = time_access(access, kind->plain, batches, slice_s);
        const double ours = time_access(access, kind->ours, batches, slice_s);

        primitive_put(primitives, ACCESS, kind->name, "ns", ours, plain);
    }
    if (access->wrong > 0)
        primitive_fail(primitives, ACCESS, "values that came back wrong", -EIO);
}

static void measure_arrays(struct primitives *primitives, struct batches *batches)
{
    struct access access = { .plain = calloc(2 * ELEMENTS, sizeof *access.plain) };
    const int error = point_array_create(fresh_name(), ELEMENTS, NULL, &access.region);

    if (error < 0 || access.plain == NULL) {
        primitive_fail(primitives, ACCESS, "array", error);
    } else {
        access.other = access.plain + ELEMENTS;
        access.shared = point_array_at(access.region, 0);
        store_plain(&access);
        measure_accesses(primitives, &access, batches);
    }
    fr_region_close(&access.region);
    free(access.plain);
}

void primitives_of_regions(struct primitives *primitives)
{
    struct batches *batches = calloc(1, sizeof *batches);

    if (batches == NULL)
        return;
    measure_locks(primitives, batches);
    if (!interrupted())
        measure_arrays(primitives, batches);
    free(batches);
}
