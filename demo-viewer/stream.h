/* SPDX-License-Identifier: MIT */
#ifndef STREAM_H
#define STREAM_H

/*
 * A reader that always asks for frames in the way that the ring can give: a queue has no newest
 * frame, so there "latest" means the next one. Rings change when a capture is started again, so this
 * is looked at again with each new session.
 *
 * Threads: one at a time.
 */

#include <framering/framering.h>

/* A ring as it was when it was looked at last. */
struct stream_look {
    struct fr_info info;
    uint32_t held;    /* slots in the hands of members */
    uint32_t process; /* of its first writer; 0 unknown */
    char program[16];
};

struct stream {
    struct fr_reader *reader;
    const char *name; /* the caller's */
    int every;
    int follow;
    enum fr_which which;
    uint64_t session; /* of the last frame */
    struct stream_look look;
};

/*
 * Waits for the stream. The codes are fr_reader_open's.
 *
 * Whoever wants the newest frame only must not hold a writer back, and need not be able to change
 * anything: it observes where the ring admits that, and reads lossy where not.
 */
int stream_open(struct stream *stream, const char *name, int every, int follow, int64_t timeout_ns);
void stream_close(struct stream *stream);

/* Brings look up to date; if the ring is gone what is known stays. */
void stream_look(struct stream *stream);

/* The next frame to be looked at. The codes are fr_frame_wait's. */
int stream_wait(struct stream *stream, int64_t timeout_ns, const struct fr_frame **frame);

/* True if other readers take frames away from this one. */
int stream_is_shared(const struct stream *stream);

#endif
