/* SPDX-License-Identifier: MIT */
/* The viewer of the README: tells of each picture that it gets, until the publisher is gone. */
#include <framering/framering.h>
#include <stdio.h>

static void show(const uint8_t *pixels, ptrdiff_t stride, uint32_t width, uint32_t height)
{
    const uint8_t *bottom = pixels + stride * (ptrdiff_t)(height - 1);

    printf("%ux%u from %u to %u\n", width, height, pixels[0], bottom[4 * (width - 1)]);
}

int main(void)
{
    struct fr_reader *reader;
    const struct fr_frame *frame;
    if (fr_reader_open("demo", NULL, FR_FOREVER, &reader) < 0)
        return 1;
    while (fr_frame_wait(reader, FR_LATEST, FR_FOREVER, &frame) == 0) {
        show(frame->plane[0].data, frame->plane[0].stride, frame->width, frame->height);
        fr_frame_release(&frame);
    }
    fr_reader_close(&reader);
    return 0;
}
