/* SPDX-License-Identifier: MIT */

/*
 * See stream.h.
 */

#include "stream.h"

#include <string.h>

/* For fr_members. */
static int look_at_member(void *user, const struct fr_member *member)
{
    struct stream_look *look = user;
    look->held += member->held;
    if (member->is_writer && look->process == 0) {
        look->process = member->process;
        memcpy(look->program, member->program, sizeof look->program);
    }
    return 0;
}

void stream_look(struct stream *stream)
{
    struct stream_look look = { .info = fr_info() };
    if (fr_inspect(stream->name, &look.info) == 0 && look.info.kind == FR_KIND_RING) {
        /* For the overlay only: without an answer it has less to say. */
        (void)fr_members(stream->name, look_at_member, &look);
        stream->look = look;
    }
    stream->which = stream->every || stream->look.info.delivery == FR_QUEUE ? FR_NEXT : FR_LATEST;
}

/* A ring that admits no observers says FR_ENOTSUP; then we become a member. */
static int open_reader(struct stream *stream, int64_t timeout_ns)
{
    struct fr_reader_opts opts = fr_reader_opts(.follow = stream->follow);
    int error = FR_ENOTSUP;
    opts.lossy = opts.observe = !stream->every;
    if (opts.observe)
        error = fr_reader_open(stream->name, &opts, timeout_ns, &stream->reader);
    opts.observe = 0;
    if (error == FR_ENOTSUP)
        error = fr_reader_open(stream->name, &opts, timeout_ns, &stream->reader);
    return error;
}

int stream_open(struct stream *stream, const char *name, int every, int follow, int64_t timeout_ns)
{
    *stream = (struct stream){ .name = name, .every = every, .follow = follow };
    int error = open_reader(stream, timeout_ns);
    if (error == 0)
        stream_look(stream);
    return error;
}

void stream_close(struct stream *stream)
{
    fr_reader_close(&stream->reader);
}

int stream_wait(struct stream *stream, int64_t timeout_ns, const struct fr_frame **frame)
{
    int error = stream->reader ? 0 : open_reader(stream, FR_NOWAIT);
    if (error == 0)
        error = fr_frame_wait(stream->reader, stream->which, timeout_ns, frame);
    if (error == FR_ENOTSUP && stream->which == FR_LATEST) {
        /* The ring may have become a queue, or one without observers. */
        stream_close(stream);
        error = open_reader(stream, FR_NOWAIT);
        if (error < 0)
            return error;
        stream_look(stream);
        error = fr_frame_wait(stream->reader, stream->which, timeout_ns, frame);
    }
    if (error == 0 && (*frame)->session != stream->session) {
        stream->session = (*frame)->session;
        stream_look(stream);
    }
    return error;
}

int stream_is_shared(const struct stream *stream)
{
    return stream->look.info.delivery == FR_QUEUE;
}
