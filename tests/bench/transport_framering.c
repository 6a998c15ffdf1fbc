/* SPDX-License-Identifier: MIT */
/*
 * framering behind the interface of transport.h. Slots and frames differ in the four calls that
 * move an item; opening, closing and ending are the same.
 */
#include "transport_framering.h"

#include <errno.h>
#include <framering/framering.h>
#include <stdlib.h>

#define BGRA_BYTES 4

/* Errors of the library that the system has too are the system's; the others have no errno. */
static int to_errno(int error)
{
    return error > FR_ECLOSED ? error : -EPROTO;
}

struct channel {
    struct transport_spec spec;
    bool has_frames;
    bool has_observers;
    uint32_t width; /* of the picture that has as many bytes as an item */
    uint32_t height;
};

struct writer {
    struct fr_writer *ring;
    const struct channel *channel;
    struct fr_slot *slot;
    struct fr_frame *frame;
};

struct reader {
    struct fr_reader *ring;
    const struct channel *channel;
    const struct fr_slot *slot;
    const struct fr_frame *frame;
};

/* A picture of that many bytes: rows of full HD, or of one cache line. */
static void choose_shape(struct channel *channel)
{
    const size_t size = channel->spec.item_size;

    channel->width = size % (1920 * BGRA_BYTES) == 0 ? 1920 : 64 / BGRA_BYTES;
    channel->height = (uint32_t)(size / BGRA_BYTES / channel->width);
}

static int prepare(const struct transport_spec *spec, bool has_frames, bool has_observers,
                   void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = *spec;
    channel->has_frames = has_frames;
    channel->has_observers = has_observers;
    choose_shape(channel);
    *out = channel;
    return 0;
}

static int prepare_slots(const struct transport_spec *spec, void **out)
{
    return prepare(spec, false, false, out);
}

static int prepare_frames(const struct transport_spec *spec, void **out)
{
    return prepare(spec, true, false, out);
}

static int prepare_observer(const struct transport_spec *spec, void **out)
{
    return prepare(spec, true, true, out);
}

/* A ring that was ended in order has no name any more. */
static void dispose(void *channel)
{
    const struct channel *mine = channel;
    const int unused = fr_unlink(mine->spec.name);

    (void)unused;
    free(channel);
}

static int create_ring(const struct channel *channel, struct fr_writer **out)
{
    const struct transport_spec *spec = &channel->spec;
    struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = spec->item_size, .slots = spec->slots,
                       .observers = channel->has_observers,
                       .delivery = spec->delivery == TRANSPORT_QUEUE ? FR_QUEUE : FR_BROADCAST);

    if (channel->has_frames)
        opts.slot_size = fr_frame_size(channel->width, channel->height, FR_FORMAT_BGRA);
    return fr_writer_create(spec->name, &opts, out);
}

static int open_writer(void *channel, uint32_t index, void **out)
{
    struct writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return -ENOMEM;
    writer->channel = channel;
    const int error = index == 0
                          ? create_ring(channel, &writer->ring)
                          : fr_writer_open(writer->channel->spec.name, FR_S(20), &writer->ring);
    if (error < 0) {
        free(writer);
        return to_errno(error);
    }
    *out = writer;
    return 0;
}

static int open_reader(void *channel, uint32_t index, void **out)
{
    struct reader *reader = calloc(1, sizeof *reader);

    (void)index;
    if (reader == NULL)
        return -ENOMEM;
    reader->channel = channel;
    const int error = fr_reader_open(reader->channel->spec.name,
                                     &fr_reader_opts(.observe = reader->channel->has_observers),
                                     FR_S(20), &reader->ring);
    if (error < 0) {
        free(reader);
        return to_errno(error);
    }
    *out = reader;
    return 0;
}

static void close_writer(void *writer)
{
    struct writer *mine = writer;

    fr_writer_close(&mine->ring);
    free(mine);
}

static void close_reader(void *reader)
{
    struct reader *mine = reader;

    fr_reader_close(&mine->ring);
    free(mine);
}

/* The ring ends with its last writer. */
static int finish(void *writer)
{
    struct writer *mine = writer;

    fr_writer_close(&mine->ring);
    return 0;
}

/* The end is no error. */
static int received(int error)
{
    if (error == 0)
        return 1;
    return error == FR_ECLOSED ? 0 : to_errno(error);
}

/* Slots ---------------------------------------------------------------------------------------- */

static int acquire_slot(void *writer, void **data)
{
    struct writer *mine = writer;
    const int error = fr_writer_acquire(mine->ring, FR_FOREVER, &mine->slot);

    if (error < 0)
        return to_errno(error);
    *data = mine->slot->data;
    return 0;
}

static int publish_slot(void *writer)
{
    struct writer *mine = writer;

    mine->slot->used = mine->channel->spec.item_size;
    const int error = fr_writer_publish(&mine->slot);
    return error < 0 ? to_errno(error) : 0;
}

static int write_slot(void *writer, const void *data)
{
    struct writer *mine = writer;
    const int error = fr_writer_write(mine->ring, data, mine->channel->spec.item_size, FR_FOREVER);

    return error < 0 ? to_errno(error) : 0;
}

static int receive_slot(void *reader, const void **data)
{
    struct reader *mine = reader;
    const int got = received(fr_reader_acquire(mine->ring, FR_NEXT, FR_FOREVER, &mine->slot));

    if (got == 1)
        *data = mine->slot->data;
    return got;
}

static int release_slot(void *reader)
{
    struct reader *mine = reader;

    fr_reader_release(&mine->slot);
    return 0;
}

static int read_slot(void *reader, void *dst)
{
    struct reader *mine = reader;
    size_t size;

    return received(
        fr_reader_read(mine->ring, FR_NEXT, dst, mine->channel->spec.item_size, FR_FOREVER, &size));
}

const struct transport bench_framering = {
    .name = "framering",
    .title = "framering",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_CAN_QUEUE | TRANSPORT_MANY_WRITERS |
           TRANSPORT_MANY_READERS | TRANSPORT_THREADS,
    .version = fr_version_string,
    .prepare = prepare_slots,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire_slot,
    .publish = publish_slot,
    .write = write_slot,
    .receive = receive_slot,
    .release = release_slot,
    .read = read_slot,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};

/* Frames --------------------------------------------------------------------------------------- */

static int acquire_frame(void *writer, void **data)
{
    struct writer *mine = writer;
    const struct channel *channel = mine->channel;
    const int error = fr_frame_acquire(mine->ring, channel->width, channel->height, FR_FORMAT_BGRA,
                                       FR_FOREVER, &mine->frame);

    if (error < 0)
        return to_errno(error);
    *data = mine->frame->plane[0].data;
    return 0;
}

static int publish_frame(void *writer)
{
    struct writer *mine = writer;
    const int error = fr_frame_publish(&mine->frame);

    return error < 0 ? to_errno(error) : 0;
}

static int write_frame(void *writer, const void *data)
{
    struct writer *mine = writer;
    const void *const planes[FR_MAX_PLANES] = { data };
    const ptrdiff_t strides[FR_MAX_PLANES] = { BGRA_BYTES * (ptrdiff_t)mine->channel->width };
    void *unused;
    const int error = acquire_frame(writer, &unused);

    if (error < 0)
        return error;
    fr_frame_write(mine->frame, planes, strides);
    return publish_frame(writer);
}

static int receive_frame(void *reader, const void **data)
{
    struct reader *mine = reader;
    const int got = received(fr_frame_wait(mine->ring, FR_NEXT, FR_FOREVER, &mine->frame));

    if (got == 1)
        *data = mine->frame->plane[0].data;
    return got;
}

static int release_frame(void *reader)
{
    struct reader *mine = reader;

    fr_frame_release(&mine->frame);
    return 0;
}

const struct transport bench_framering_frames = {
    .name = "framering-frames",
    .title = "framering, frames",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_CAN_QUEUE | TRANSPORT_MANY_WRITERS |
           TRANSPORT_MANY_READERS | TRANSPORT_THREADS | TRANSPORT_LARGE_ONLY,
    .version = fr_version_string,
    .prepare = prepare_frames,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire_frame,
    .publish = publish_frame,
    .write = write_frame,
    .receive = receive_frame,
    .release = release_frame,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};

const struct transport bench_framering_observer = {
    .name = "framering-observer",
    .title = "framering, frames, read-only readers",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_WRITERS | TRANSPORT_MANY_READERS |
           TRANSPORT_THREADS | TRANSPORT_LARGE_ONLY | TRANSPORT_LOSSY,
    .version = fr_version_string,
    .prepare = prepare_observer,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire_frame,
    .publish = publish_frame,
    .write = write_frame,
    .receive = receive_frame,
    .release = release_frame,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
