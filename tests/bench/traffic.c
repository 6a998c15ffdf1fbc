/* SPDX-License-Identifier: MIT */
/* Writers and readers at work with one transport: see traffic.h. */
#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "series.h"
#include "traffic_side.h"

#define MAX_SAMPLES (UINT64_C(1) << 17) /* of each reader */

const char *fresh_name(void)
{
    static char name[48];
    static unsigned number;

    number++;
    snprintf(name, sizeof name, "bench-%d-%u", (int)getpid(), number);
    return name;
}

const char *traffic_misfit(const struct traffic *traffic)
{
    const unsigned can = traffic->transport->can;
    const struct transport_spec *spec = &traffic->spec;

    if (spec->delivery == TRANSPORT_QUEUE && spec->readers > 1 && !(can & TRANSPORT_CAN_QUEUE))
        return "has no queue";
    if (spec->writers > 1 && !(can & TRANSPORT_MANY_WRITERS))
        return "has one writer only";
    if (spec->readers > 1 && !(can & TRANSPORT_MANY_READERS))
        return "has one reader only";
    if (traffic->sides == SIDES_THREADS && !(can & TRANSPORT_THREADS))
        return "is not for threads";
    if (spec->item_size < 65536 && (can & TRANSPORT_LARGE_ONLY))
        return "is for large items only";
    return NULL;
}

/* Results -------------------------------------------------------------------------------------- */

static uint64_t sample_room(const struct traffic *traffic)
{
    if (traffic->hz <= 0)
        return 0;
    const double expected = traffic->hz * (traffic->run_s + 3) + 64;
    return expected < (double)MAX_SAMPLES ? (uint64_t)expected : MAX_SAMPLES;
}

/* The samples of all readers as one distribution. */
static void summarize(const struct job *job, enum sample_kind kind, struct latency *out)
{
    const uint32_t readers = job->traffic->spec.readers;
    int64_t *all = calloc(readers * job->sample_room + 1, sizeof *all);
    uint64_t count = 0;

    if (all == NULL)
        return;
    for (uint32_t r = 0; r < readers; r++) {
        const uint64_t n = job->shared->reader[r].samples[kind];

        memcpy(all + count, job_samples(job, r, kind), n * sizeof *all);
        count += n;
    }
    sort_ns(all, count);
    *out = (struct latency){
        .count = count,
        .p50 = percentile_ns(all, count, 0.5),
        .p90 = percentile_ns(all, count, 0.9),
        .p99 = percentile_ns(all, count, 0.99),
        .p999 = percentile_ns(all, count, 0.999),
        .most = percentile_ns(all, count, 1.0),
    };
    free(all);
}

/* Broadcast: what each reader did not get of each writer. Queue: what nobody got. */
static uint64_t count_lost(const struct job *job)
{
    const struct transport_spec *spec = &job->traffic->spec;
    uint64_t lost = 0;

    for (uint32_t w = 0; w < spec->writers; w++) {
        const uint64_t written = job->shared->writer[w].written;
        uint64_t got = 0;

        for (uint32_t r = 0; r < spec->readers; r++) {
            const uint64_t received = job->shared->reader[r].received[w];

            if (spec->delivery == TRANSPORT_QUEUE)
                got += received;
            else
                lost += written > received ? written - received : 0;
        }
        if (spec->delivery == TRANSPORT_QUEUE)
            lost += written > got ? written - got : 0;
    }
    return lost;
}

static void collect_sides(const struct sides *sides, uint32_t writers, struct traffic_result *out)
{
    uint64_t written = 0;
    uint64_t faults = 0;
    uint64_t sleeps = 0;
    double cpu_s = 0;

    for (uint32_t i = 0; i < sides->count; i++) {
        const struct side *side = &sides->side[i];

        cpu_s += side_cpu_s(side);
        if (side->begin.at_ns != 0) {
            faults += side->end.faults - side->begin.faults;
            sleeps += side->end.switches - side->begin.switches;
        }
        if (i < writers) {
            written += side_items(side);
            out->written_s += side_rate(side);
        } else {
            out->read_s += side_rate(side);
        }
    }
    const double items = written > 0 ? (double)written : 1;
    out->cpu_per_1000_s = 1000 * cpu_s / items;
    out->faults = (double)faults / items;
    out->sleeps = (double)sleeps / items;
}

static void collect(const struct job *job, const struct sides *sides, struct traffic_result *out)
{
    const struct transport_spec *spec = &job->traffic->spec;

    collect_sides(sides, spec->writers, out);
    if (job->traffic->transport->can & TRANSPORT_LOSSY)
        out->missed = count_lost(job);
    else
        out->lost = count_lost(job);
    for (uint32_t r = 0; r < spec->readers; r++) {
        out->torn += job->shared->reader[r].torn;
        out->disordered += job->shared->reader[r].disordered;
    }
    for (uint32_t w = 0; w < spec->writers; w++)
        out->late += job->shared->writer[w].late;
    if (job->sample_room == 0)
        return;
    summarize(job, SAMPLE_PUBLISHED, &out->published);
    summarize(job, SAMPLE_DUE, &out->due);
    summarize(job, SAMPLE_BARE, &out->bare);
}

/* Running -------------------------------------------------------------------------------------- */

static void add_sides(struct sides *sides, struct job *job)
{
    const struct traffic *traffic = job->traffic;

    for (uint32_t w = 0; w < traffic->spec.writers; w++)
        sides_add(sides, traffic_writer, w, traffic->is_pinned ? (int)w : -1, job);
    for (uint32_t r = 0; r < traffic->spec.readers; r++) {
        const uint32_t cpu = traffic->spec.writers + r;

        sides_add(sides, traffic_reader, r, traffic->is_pinned ? (int)cpu : -1, job);
    }
}

/* A lap of the ring for everybody, and more. */
static uint32_t warm_items(const struct transport_spec *spec)
{
    const uint32_t sharers = spec->delivery == TRANSPORT_QUEUE ? spec->readers : 1;

    return 1 + 2 * spec->slots / (sharers > spec->writers ? sharers : spec->writers);
}

static int run_sides(struct job *job, struct traffic_result *result)
{
    const struct traffic *traffic = job->traffic;
    struct sides *sides = sides_new(traffic->sides);

    if (sides == NULL)
        return -ENOMEM;
    add_sides(sides, job);
    sides->warm_items = warm_items(&traffic->spec);
    if (traffic->most_s > 0)
        sides->most_s = traffic->most_s;
    int error = sides_run(sides, traffic->warm_s, traffic->run_s);
    if (error < 0)
        snprintf(result->error, sizeof result->error, "%s", sides->error);
    else
        collect(job, sides, result);
    if (error == 0 && (result->written_s <= 0 || result->read_s <= 0)) {
        snprintf(result->error, sizeof result->error, "nothing arrived in the measured time");
        error = -ENODATA;
    }
    sides_free(&sides);
    return error;
}

int traffic_run(const struct traffic *traffic, struct traffic_result *result)
{
    struct traffic named = *traffic;
    struct job job = { .traffic = &named, .sample_room = sample_room(traffic) };
    const size_t room = sizeof *job.shared +
                        job.sample_room * SAMPLE_KINDS * traffic->spec.readers * sizeof(int64_t);

    memset(result, 0, sizeof *result);
    named.spec.name = fresh_name();
    job.shared = shared_new(room);
    if (job.shared == NULL)
        return -ENOMEM;
    int error = traffic->transport->prepare(&named.spec, &job.channel);
    if (error == 0) {
        error = run_sides(&job, result);
        traffic->transport->dispose(job.channel);
    }
    shared_free(job.shared, room);
    if (error < 0 && result->error[0] == '\0')
        snprintf(result->error, sizeof result->error, "%s", strerror(-error));
    return error;
}
