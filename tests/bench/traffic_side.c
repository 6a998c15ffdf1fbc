/* SPDX-License-Identifier: MIT */
/* The loops of a measurement's writers and readers: see traffic_side.h. */
#define _GNU_SOURCE
#include "traffic_side.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define LOOK_CLOSELY_EVERY 32 /* of items that are copied */

int64_t *job_samples(const struct job *job, uint32_t reader, enum sample_kind kind)
{
    return &job->shared->samples[(reader * (uint64_t)SAMPLE_KINDS + kind) * job->sample_room];
}

/* Memory for one item, aligned as items are. */
static void *new_item(size_t size)
{
    void *item = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

    if (item != NULL)
        memset(item, 0, size);
    return item;
}

/* The writer ----------------------------------------------------------------------------------- */

struct writing {
    const struct job *job;
    struct side *side;
    void *writer; /* the transport's */
    void *item;   /* of our own, where the transport lends none */
    uint64_t sequence;
    uint64_t random;
    int64_t due_ns;
    bool is_in_place;
};

static void stamp(const struct writing *writing, void *item)
{
    struct work_head *head = item;

    if (writing->job->traffic->hz <= 0)
        return;
    head->due_ns = writing->due_ns;
    head->stamp_ns = clock_now_ns();
}

static void make(struct writing *writing, void *item)
{
    const struct traffic *traffic = writing->job->traffic;

    if (traffic->make == MAKE_PRODUCE)
        work_produce(item, traffic->spec.item_size, writing->side->index, writing->sequence);
    else
        work_number(item, writing->side->index, writing->sequence);
}

static int write_in_place(struct writing *writing)
{
    const struct transport *transport = writing->job->traffic->transport;
    void *item;
    const int error = transport->acquire(writing->writer, &item);

    if (error < 0)
        return side_fail(writing->side, error, "acquire");
    make(writing, item);
    stamp(writing, item);
    return transport->publish(writing->writer);
}

/* Moves a copy of the item: by the transport, or around it. */
static int send_copy(struct writing *writing, const void *item)
{
    const struct traffic *traffic = writing->job->traffic;
    const struct transport *transport = traffic->transport;
    void *memory;

    if (transport->write != NULL)
        return transport->write(writing->writer, item);
    const int error = transport->acquire(writing->writer, &memory);
    if (error < 0)
        return error;
    memcpy(memory, item, traffic->spec.item_size);
    return transport->publish(writing->writer);
}

static int write_copy(struct writing *writing)
{
    const struct traffic *traffic = writing->job->traffic;
    void *item = writing->item;

    if (traffic->make == MAKE_COPY)
        item = work_source(traffic->sources, writing->side->index, traffic->spec.writers,
                           &writing->random);
    make(writing, item);
    stamp(writing, item);
    return send_copy(writing, item);
}

static int write_item(struct writing *writing)
{
    writing->sequence++;
    const int error = writing->is_in_place ? write_in_place(writing) : write_copy(writing);
    if (error < 0)
        return side_fail(writing->side, error, "publish");
    writing->job->shared->writer[writing->side->index].written = writing->sequence;
    return 0;
}

static void wake_bare(struct bare_wake *bare)
{
    atomic_store(&bare->stamp_ns, clock_now_ns());
    atomic_fetch_add(&bare->word, 1);
    word_wake(&bare->word, INT_MAX);
}

/* Sleeps until the next deadline. Those that are gone by are left out, and counted. */
static void await_deadline(struct writing *writing)
{
    const int64_t period_ns = (int64_t)((double)NS_PER_S / writing->job->traffic->hz);
    const int64_t now_ns = clock_now_ns();

    if (writing->due_ns == 0)
        writing->due_ns = now_ns;
    writing->due_ns += period_ns;
    if (writing->side->phase == PHASE_RUN && now_ns > writing->due_ns + period_ns / 2)
        writing->job->shared->writer[writing->side->index].late++;
    if (now_ns > writing->due_ns + 8 * period_ns) /* after a long stall no burst follows */
        writing->due_ns = now_ns;
    clock_sleep_until(writing->due_ns);
}

static int write_items(struct writing *writing)
{
    const struct traffic *traffic = writing->job->traffic;

    for (uint64_t tick = 0; side_look(writing->side) != PHASE_STOP; tick++) {
        if (traffic->hz > 0)
            await_deadline(writing);
        if (traffic->is_beside && tick % 2 == 1) {
            wake_bare(&writing->job->shared->bare);
            continue;
        }
        const int error = write_item(writing);
        if (error < 0)
            return error;
        side_count(writing->side);
    }
    return 0;
}

static int finish(struct writing *writing)
{
    struct bare_wake *bare = &writing->job->shared->bare;

    atomic_store(&bare->is_closed, 1);
    wake_bare(bare);
    const int error = writing->job->traffic->transport->finish(writing->writer);
    return error < 0 ? side_fail(writing->side, error, "finish") : 0;
}

int traffic_writer(struct side *side, void *user)
{
    const struct job *job = user;
    const struct traffic *traffic = job->traffic;
    const struct transport *transport = traffic->transport;
    struct writing writing = { .job = job, .side = side, .random = 1 + side->index };

    writing.is_in_place = traffic->make != MAKE_COPY && (transport->can & TRANSPORT_IN_PLACE);
    if (!writing.is_in_place && traffic->make != MAKE_COPY) {
        writing.item = new_item(traffic->spec.item_size);
        if (writing.item == NULL)
            return side_fail(side, -ENOMEM, "item");
    }
    if (traffic->make == MAKE_COPY)
        work_sources_touch(traffic->sources);
    int error = transport->open_writer(job->channel, side->index, &writing.writer);
    if (error < 0)
        return side_fail(side, error, "open_writer");
    side_ready(side);
    error = write_items(&writing);
    if (error == 0)
        error = finish(&writing);
    transport->close_writer(writing.writer);
    free(writing.item);
    return error;
}

/* The reader ----------------------------------------------------------------------------------- */

struct reading {
    const struct job *job;
    struct side *side;
    struct reader_tally *tally;
    void *reader; /* the transport's */
    void *copy;   /* of our own */
    uint32_t bare_seen;
};

static void sample(const struct reading *reading, enum sample_kind kind, int64_t ns)
{
    uint64_t *count = &reading->tally->samples[kind];

    if (reading->side->phase != PHASE_RUN || *count >= reading->job->sample_room)
        return;
    job_samples(reading->job, reading->side->index, kind)[*count] = ns;
    (*count)++;
}

/* The numbers of each writer's items grow; gaps are counted at the end, from the sums. */
static void check_number(const struct reading *reading, const struct work_head *head)
{
    struct reader_tally *tally = reading->tally;

    if (head->writer >= reading->job->traffic->spec.writers) {
        tally->torn++;
        return;
    }
    tally->received[head->writer]++;
    if (head->sequence <= tally->last[head->writer])
        tally->disordered++;
    tally->last[head->writer] = head->sequence;
}

static void check(const struct reading *reading, const void *item, int64_t at_ns)
{
    const struct traffic *traffic = reading->job->traffic;
    const struct work_head *head = item;
    struct reader_tally *tally = reading->tally;

    if (traffic->hz > 0) {
        sample(reading, SAMPLE_PUBLISHED, at_ns - head->stamp_ns);
        sample(reading, SAMPLE_DUE, at_ns - head->due_ns);
    }
    check_number(reading, head);
    tally->looked++;
    if (traffic->take == TAKE_NUMBER)
        return;
    if (traffic->take == TAKE_COPY && tally->looked % LOOK_CLOSELY_EVERY != 0)
        return;
    if (!work_is_whole(item, traffic->spec.item_size))
        tally->torn++;
}

/* Receives with a copy in the reader's own memory: by the transport, or around it. */
static int read_copy(const struct reading *reading)
{
    const struct traffic *traffic = reading->job->traffic;
    const struct transport *transport = traffic->transport;
    const void *item;

    if (transport->read != NULL)
        return transport->read(reading->reader, reading->copy);
    const int got = transport->receive(reading->reader, &item);
    if (got <= 0)
        return got;
    memcpy(reading->copy, item, traffic->spec.item_size);
    const int error = transport->release(reading->reader);
    return error < 0 ? error : 1;
}

static int read_item(const struct reading *reading)
{
    const struct traffic *traffic = reading->job->traffic;
    const void *item;

    if (traffic->take == TAKE_COPY) {
        const int got = read_copy(reading);

        if (got == 1)
            check(reading, reading->copy, traffic->hz > 0 ? clock_now_ns() : 0);
        return got;
    }
    const int got = traffic->transport->receive(reading->reader, &item);
    if (got <= 0)
        return got;
    check(reading, item, traffic->hz > 0 ? clock_now_ns() : 0);
    const int error = traffic->transport->release(reading->reader);
    return error < 0 ? error : 1;
}

static void await_bare(struct reading *reading)
{
    struct bare_wake *bare = &reading->job->shared->bare;

    while (atomic_load(&bare->word) == reading->bare_seen && !atomic_load(&bare->is_closed))
        word_wait(&bare->word, reading->bare_seen);
    const int64_t at_ns = clock_now_ns();
    reading->bare_seen++;
    if (!atomic_load(&bare->is_closed))
        sample(reading, SAMPLE_BARE, at_ns - atomic_load(&bare->stamp_ns));
}

static int read_items(struct reading *reading)
{
    for (;;) {
        const int got = read_item(reading);

        if (got < 0)
            return side_fail(reading->side, got, "receive");
        if (got == 0)
            return 0;
        side_count(reading->side);
        side_look(reading->side);
        if (reading->job->traffic->is_beside)
            await_bare(reading);
    }
}

int traffic_reader(struct side *side, void *user)
{
    const struct job *job = user;
    const struct traffic *traffic = job->traffic;
    struct reading reading = { .job = job,
                               .side = side,
                               .tally = &job->shared->reader[side->index] };

    if (traffic->take == TAKE_COPY) {
        reading.copy = new_item(traffic->spec.item_size);
        if (reading.copy == NULL)
            return side_fail(side, -ENOMEM, "copy");
    }
    int error = traffic->transport->open_reader(job->channel, side->index, &reading.reader);
    if (error < 0)
        return side_fail(side, error, "open_reader");
    side_ready(side);
    error = read_items(&reading);
    traffic->transport->close_reader(reading.reader);
    free(reading.copy);
    return error;
}
