/* SPDX-License-Identifier: MIT */

/*
 * The list of sources: the first one that recognises the argument of -i gets it. And what more than
 * one of them needs.
 */

#include "source.h"

#include <stdlib.h>

const struct source *const sources[] = { &source_test, &source_x11, &source_y4m, NULL };

void source_warm_up(struct fr_writer *writer, uint32_t fresh_slots, const struct stream *stream,
                    void (*touch)(void *self, struct fr_frame *frame), void *self)
{
    struct fr_frame **held = calloc(fresh_slots + 1u, sizeof(struct fr_frame *));
    uint32_t count = 0;
    while (held && count < fresh_slots) {
        if (fr_frame_acquire(writer, stream->width, stream->height, stream->format, FR_NOWAIT,
                             &held[count]) < 0)
            break;
        touch(self, held[count++]);
    }
    while (count > 0)
        fr_frame_abort(&held[--count]);
    free(held);
}
