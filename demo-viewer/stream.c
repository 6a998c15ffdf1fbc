/* SPDX-License-Identifier: MIT */

/*
 * See stream.h.
 */

#include "stream.h"

void stream_look(struct stream *stream)
{
    struct fr_info info = fr_info();
    if (fr_inspect(stream->name, &info) == 0 && info.kind == FR_KIND_RING)
        stream->info = info;
    stream->which = stream->every || stream->info.delivery == FR_QUEUE ? FR_NEXT : FR_LATEST;
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

int stream_open(struct stream *stream, const struct options *options, int follow,
                int64_t timeout_ns)
{
    *stream = (struct stream){ .name = options->name, .every = options->every, .follow = follow };
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
    return stream->info.delivery == FR_QUEUE;
}
