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

int stream_open(struct stream *stream, const struct options *options, int follow,
                int64_t timeout_ns)
{
    *stream = (struct stream){ .name = options->name, .every = options->every };
    int error =
        fr_reader_open(options->name, &fr_reader_opts(.lossy = !options->every, .follow = follow),
                       timeout_ns, &stream->reader);
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
    int error = fr_frame_wait(stream->reader, stream->which, timeout_ns, frame);
    if (error == FR_ENOTSUP && stream->which == FR_LATEST) {
        /* The ring may have become a queue. */
        stream_look(stream);
        if (stream->which == FR_NEXT)
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
