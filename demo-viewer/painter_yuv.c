/* SPDX-License-Identifier: MIT */

/*
 * See painter_yuv.h. SDL knows BT.601 and BT.709 of limited range, and BT.601 of full range.
 */

#include "painter_yuv.h"

#define RANGE_FULL 2
#define FIRST_HD_HEIGHT 720

static uint32_t format_of(enum fr_format format)
{
    switch (format) {
    case FR_FORMAT_YUV420P:
        return SDL_PIXELFORMAT_IYUV;
    case FR_FORMAT_NV12:
        return SDL_PIXELFORMAT_NV12;
    case FR_FORMAT_NV21:
        return SDL_PIXELFORMAT_NV21;
    case FR_FORMAT_YUYV:
        return SDL_PIXELFORMAT_YUY2;
    case FR_FORMAT_UYVY:
        return SDL_PIXELFORMAT_UYVY;
    default:
        return SDL_PIXELFORMAT_UNKNOWN;
    }
}

/* 1 for BT.709, 0 for BT.601, -1 for what SDL does not know; as convert.h guesses. */
static int is_bt709(const struct fr_frame *frame)
{
    switch (frame->color.matrix) {
    case 1:
        return 1;
    case 5:
    case 6:
        return 0;
    case 4:
    case 7:
    case 9:
    case 10:
        return -1;
    default:
        return frame->height >= FIRST_HD_HEIGHT;
    }
}

int painter_yuv_find(const struct fr_frame *frame, struct yuv_texture *out)
{
    int bt709 = is_bt709(frame);
    int is_full = frame->color.range == RANGE_FULL;
    out->format = format_of(frame->format);
    out->mode = is_full ? SDL_YUV_CONVERSION_JPEG
                : bt709 ? SDL_YUV_CONVERSION_BT709
                        : SDL_YUV_CONVERSION_BT601;
    if (out->format == SDL_PIXELFORMAT_UNKNOWN || bt709 < 0 || (is_full && bt709))
        return 0;
    for (uint32_t i = 0; i < frame->planes; i++)
        if (frame->plane[i].stride <= 0 || frame->plane[i].stride > SDL_MAX_SINT32)
            return 0;
    return frame->width % 2 == 0 && frame->height % 2 == 0;
}

int painter_yuv_upload(SDL_Texture *texture, const struct fr_frame *frame)
{
    const struct fr_plane *plane = frame->plane;
    if (frame->planes == 3)
        return SDL_UpdateYUVTexture(texture, NULL, plane[0].data, (int)plane[0].stride,
                                    plane[1].data, (int)plane[1].stride, plane[2].data,
                                    (int)plane[2].stride);
    if (frame->planes == 2)
        return SDL_UpdateNVTexture(texture, NULL, plane[0].data, (int)plane[0].stride,
                                   plane[1].data, (int)plane[1].stride);
    return SDL_UpdateTexture(texture, NULL, plane[0].data, (int)plane[0].stride);
}
