/* SPDX-License-Identifier: MIT */
/*
 * Reads every frame of a stream and prints the MD5 of its tight planes, one line for each frame:
 * what ffmpeg's framemd5 prints for the same pictures.
 *
 * usage: frame_md5 NAME [FRAMES]
 */
#include <framering/framering.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>

static void print_sum(struct AVMD5 *md5, const struct fr_frame *frame)
{
    uint8_t sum[16];

    av_md5_init(md5);
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];

        for (uint32_t y = 0; y < plane->rows; y++)
            av_md5_update(md5, plane->data + (ptrdiff_t)y * plane->stride, plane->row_bytes);
    }
    av_md5_final(md5, sum);
    for (int i = 0; i < 16; i++)
        printf("%02x", sum[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    long limit = argc > 2 ? atol(argv[2]) : -1;
    struct AVMD5 *md5 = av_md5_alloc();
    const struct fr_frame *frame;
    struct fr_reader *reader;
    int error = argc < 2 ? FR_EINVAL : fr_reader_open(argv[1], NULL, FR_S(10), &reader);

    if (error < 0 || !md5) {
        fprintf(stderr, "frame_md5: %s\n", fr_error_detail(error));
        return 1;
    }
    while (limit-- != 0) {
        error = fr_frame_wait(reader, FR_NEXT, FR_S(10), &frame);
        if (error < 0)
            break;
        print_sum(md5, frame);
        fr_frame_release(&frame);
    }
    fr_reader_close(&reader);
    av_free(md5);
    if (error < 0 && error != FR_ECLOSED) {
        fprintf(stderr, "frame_md5: %s\n", fr_error_detail(error));
        return 1;
    }
    return 0;
}
