/* SPDX-License-Identifier: MIT */

/*
 * A program of somebody else, built against the installed package: it publishes one frame, reads it
 * back and compares. With USE_AV it also asks the bridge, to prove that it is there.
 */

#include <framering/framering.h>
#include <stdio.h>
#include <string.h>

#ifdef USE_AV
#include <framering/av.h>
#include <libavutil/pixdesc.h>
#endif

enum { WIDTH = 64, HEIGHT = 48, GREY = 0x5a };

static int fail(const char *what, int error)
{
    fprintf(stderr, "consumer: %s: %s\n", what, fr_error_detail(error));
    return 1;
}

static int publish_one(struct fr_writer *writer)
{
    struct fr_frame *frame;
    const int error = fr_frame_acquire(writer, WIDTH, HEIGHT, FR_FORMAT_GRAY8, FR_S(5), &frame);
    if (error < 0)
        return error;
    for (uint32_t y = 0; y < HEIGHT; y++)
        memset(frame->plane[0].data + (ptrdiff_t)y * frame->plane[0].stride, GREY, WIDTH);
    return fr_frame_publish(&frame);
}

static int is_whole(const struct fr_frame *frame)
{
    if (frame->width != WIDTH || frame->height != HEIGHT || frame->format != FR_FORMAT_GRAY8)
        return 0;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        const uint8_t *row = frame->plane[0].data + (ptrdiff_t)y * frame->plane[0].stride;
        for (uint32_t x = 0; x < WIDTH; x++) {
            if (row[x] != GREY)
                return 0;
        }
    }
    return 1;
}

static int write_and_read(const char *name)
{
    const uint64_t slot_size = fr_frame_size(WIDTH, HEIGHT, FR_FORMAT_GRAY8);
    struct fr_writer *writer;
    int error = fr_writer_create(name, &fr_writer_opts(.slot_size = slot_size), &writer);
    if (error < 0)
        return fail("cannot create the ring", error);

    struct fr_reader *reader = NULL;
    const struct fr_frame *frame = NULL;
    error = fr_reader_open(name, NULL, FR_S(5), &reader);
    if (error == 0)
        error = publish_one(writer);
    if (error == 0)
        error = fr_frame_wait(reader, FR_NEXT, FR_S(5), &frame);
    const int whole = error == 0 && is_whole(frame);

    fr_frame_release(&frame);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    if (error < 0)
        return fail("cannot pass the frame", error);
    if (!whole)
        fputs("consumer: the frame that was read is not the one that was written\n", stderr);
    return !whole;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s NAME\n", argv[0]);
        return 2;
    }
    if (fr_version() != FR_VERSION) {
        fprintf(stderr, "consumer: another library was loaded (%s)\n", fr_version_string());
        return 1;
    }
#ifdef USE_AV
    if (fr_av_format(AV_PIX_FMT_BGRA) != FR_FORMAT_BGRA) {
        fputs("consumer: the bridge does not know bgra\n", stderr);
        return 1;
    }
#endif
    return write_and_read(argv[1]);
}
