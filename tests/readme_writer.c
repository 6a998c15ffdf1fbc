/* SPDX-License-Identifier: MIT */
/* The publisher of the README: sends 60 pictures a second, each a little lighter than the last. */
#include <framering/framering.h>
#include <string.h>
#include <threads.h>
#include <time.h>

static void paint(uint8_t *pixels, ptrdiff_t stride)
{
    static uint8_t shade;

    for (int y = 0; y < 720; y++)
        memset(pixels + y * stride, shade, 1280 * 4);
    shade++;
    thrd_sleep(&(struct timespec){ .tv_nsec = 16000000 }, NULL);
}

int main(void)
{
    struct fr_writer *writer;
    struct fr_frame *frame;
    uint64_t slot_size = fr_frame_size(1280, 720, FR_FORMAT_BGRX);
    if (fr_writer_create("demo", &fr_writer_opts(.slot_size = slot_size), &writer) < 0)
        return 1;
    while (fr_frame_acquire(writer, 1280, 720, FR_FORMAT_BGRX, FR_FOREVER, &frame) == 0) {
        paint(frame->plane[0].data, frame->plane[0].stride);
        if (fr_frame_publish(&frame) < 0)
            break;
    }
    fr_writer_close(&writer);
    return 0;
}
