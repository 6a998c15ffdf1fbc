/* SPDX-License-Identifier: MIT */

/*
 * See convert.h. libswscale does the work for YUV and for RGB of 8 bits, unpack.c for the rest, and
 * frames that already are what a picture has to be are handed on as they are.
 *
 * libswscale writes and reads a little beyond a row's end: frames of the library have the bytes
 * behind them that this needs, and the pixels here get them too.
 */

#include "convert.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "unpack.h"

#define ALIGNMENT 64
#define TAIL 128
#define RANGE_FULL 2
#define FIRST_HD_HEIGHT 720

/* Everything that a context of libswscale is made for. */
struct shape {
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    int colorspace; /* SWS_CS_… */
    int is_full;
};

struct convert {
    enum convert_quality quality;
    struct SwsContext *sws;
    struct shape shape; /* of sws */
    struct unpack unpack;
    uint8_t *pixels;
    size_t pixels_size;
    uint8_t *chroma; /* the two chroma planes of NV16, split */
    size_t chroma_size;
};

int convert_create(enum convert_quality quality, struct convert **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return FR_ENOMEM;
    (*out)->quality = quality;
    return 0;
}

void convert_destroy(struct convert **convert)
{
    if (!*convert)
        return;
    sws_freeContext((*convert)->sws);
    free((*convert)->pixels);
    free((*convert)->chroma);
    free(*convert);
    *convert = NULL;
}

/* Makes a buffer large enough; what was in it is lost. */
static int reserve(uint8_t **buffer, size_t *have, size_t need)
{
    if (*have >= need)
        return 0;
    free(*buffer);
    *have = 0;
    size_t size = (need + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *buffer = aligned_alloc(ALIGNMENT, size);
    if (!*buffer)
        return FR_ENOMEM;
    /* Not for the pixels' sake: libswscale may look at bytes beside them. */
    memset(*buffer, 0, size);
    *have = size;
    return 0;
}

static int colorspace_of(const struct fr_frame *frame)
{
    switch (frame->color.matrix) {
    case 1:
        return SWS_CS_ITU709;
    case 4:
        return SWS_CS_FCC;
    case 5:
    case 6:
        return SWS_CS_ITU601;
    case 7:
        return SWS_CS_SMPTE240M;
    case 9:
    case 10:
        return SWS_CS_BT2020;
    default:
        return frame->height >= FIRST_HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

static enum AVPixelFormat source_format(enum fr_format format)
{
    /* libswscale cannot read NV16; it is given as three planes. */
    if (format == FR_FORMAT_NV16)
        return AV_PIX_FMT_YUV422P;
    return av_get_pix_fmt(fr_format_info(format)->name);
}

static int sws_flags(enum convert_quality quality)
{
    if (quality == CONVERT_FAST)
        return SWS_POINT;
    return SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
}

static int shape_equals(const struct shape *a, const struct shape *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format &&
           a->colorspace == b->colorspace && a->is_full == b->is_full;
}

static int prepare(struct convert *convert, const struct fr_frame *frame)
{
    const struct shape shape = {
        .width = frame->width,
        .height = frame->height,
        .format = frame->format,
        .colorspace = colorspace_of(frame),
        .is_full = frame->color.range == RANGE_FULL,
    };
    if (convert->sws && shape_equals(&shape, &convert->shape))
        return 0;
    sws_freeContext(convert->sws);
    convert->sws = NULL;
    enum AVPixelFormat format = source_format(frame->format);
    if (format == AV_PIX_FMT_NONE || !sws_isSupportedInput(format))
        return FR_ENOTSUP;
    int width = (int)shape.width;
    int height = (int)shape.height;
    convert->sws = sws_getContext(width, height, format, width, height, AV_PIX_FMT_BGR0,
                                  sws_flags(convert->quality), NULL, NULL, NULL);
    if (!convert->sws)
        return FR_ENOTSUP;
    /* Between two RGB formats there is nothing to say, and it answers so. */
    const int *coefficients = sws_getCoefficients(shape.colorspace);
    sws_setColorspaceDetails(convert->sws, coefficients, shape.is_full, coefficients, 1, 0, 1 << 16,
                             1 << 16);
    convert->shape = shape;
    return 0;
}

/* Replaces the plane of U and V side by side by two. */
static int split_chroma(struct convert *convert, const struct fr_frame *frame,
                        const uint8_t *data[4], int linesize[4])
{
    const struct fr_plane *both = &frame->plane[1];
    size_t width = both->row_bytes / 2;
    size_t stride = (width + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (reserve(&convert->chroma, &convert->chroma_size, 2 * stride * both->rows + TAIL) < 0)
        return FR_ENOMEM;
    uint8_t *u = convert->chroma;
    uint8_t *v = convert->chroma + stride * both->rows;
    data[1] = u;
    data[2] = v;
    linesize[1] = (int)stride;
    linesize[2] = (int)stride;
    const uint8_t *from = both->data;
    for (uint32_t y = 0; y < both->rows; y++, from += both->stride, u += stride, v += stride) {
        for (size_t x = 0; x < width; x++) {
            u[x] = from[2 * x];
            v[x] = from[2 * x + 1];
        }
    }
    return 0;
}

static int scale(struct convert *convert, const struct fr_frame *frame, uint8_t *pixels,
                 size_t stride)
{
    const uint8_t *data[4] = { NULL };
    int linesize[4] = { 0 };
    for (uint32_t i = 0; i < frame->planes; i++) {
        if (frame->plane[i].stride > INT_MAX || frame->plane[i].stride < -INT_MAX)
            return FR_ENOTSUP;
        data[i] = frame->plane[i].data;
        linesize[i] = (int)frame->plane[i].stride;
    }
    int error = prepare(convert, frame);
    if (error == 0 && frame->format == FR_FORMAT_NV16)
        error = split_chroma(convert, frame, data, linesize);
    if (error < 0)
        return error;
    uint8_t *const to[4] = { pixels };
    const int to_linesize[4] = { (int)stride };
    int rows = sws_scale(convert->sws, data, linesize, 0, (int)frame->height, to, to_linesize);
    return rows == (int)frame->height ? 0 : FR_ENOTSUP;
}

static int is_picture(const struct fr_frame *frame)
{
    return (frame->format == FR_FORMAT_BGRX || frame->format == FR_FORMAT_BGRA) &&
           frame->plane[0].stride > 0 && frame->plane[0].stride % 4 == 0;
}

int convert_frame(struct convert *convert, const struct fr_frame *frame, struct picture *out)
{
    *out = (struct picture){ .width = frame->width, .height = frame->height };
    if (!fr_format_info(frame->format))
        return FR_ENOTSUP;
    if (is_picture(frame)) {
        out->pixels = frame->plane[0].data;
        out->stride = (size_t)frame->plane[0].stride;
        return 0;
    }
    size_t stride = ((size_t)frame->width * 4 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (reserve(&convert->pixels, &convert->pixels_size, stride * frame->height + TAIL) < 0)
        return FR_ENOMEM;
    out->pixels = convert->pixels;
    out->stride = stride;
    if (!unpack_knows(frame->format))
        return scale(convert, frame, convert->pixels, stride);
    unpack_frame(&convert->unpack, frame, convert->pixels, stride);
    return 0;
}
