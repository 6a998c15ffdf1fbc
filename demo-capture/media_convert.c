/* SPDX-License-Identifier: MIT */

/* See media_convert.h. */

#include "media_convert.h"

#include <framering/av.h>
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#define MAX_FORMATS 64
#define FIRST_HD_HEIGHT 720
#define FLAGS (SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT)

int media_convert_can(enum AVPixelFormat from, enum fr_format to)
{
    enum AVPixelFormat format = fr_av_pix_fmt(to);
    return format != AV_PIX_FMT_NONE && sws_isSupportedInput(from) && sws_isSupportedOutput(format);
}

enum fr_format media_convert_choose(enum AVPixelFormat from)
{
    enum AVPixelFormat list[MAX_FORMATS];
    const AVPixFmtDescriptor *shape = av_pix_fmt_desc_get(from);
    int has_alpha = shape && (shape->flags & AV_PIX_FMT_FLAG_ALPHA);
    size_t count = 0;
    int loss = 0;
    for (size_t i = 0; fr_format_at(i) && count < MAX_FORMATS - 1; i++)
        if (media_convert_can(from, fr_format_at(i)->format))
            list[count++] = fr_av_pix_fmt(fr_format_at(i)->format);
    list[count] = AV_PIX_FMT_NONE;
    return fr_av_format(avcodec_find_best_pix_fmt_of_list(list, from, has_alpha, &loss));
}

static int is_rgb(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *shape = av_pix_fmt_desc_get(format);
    return shape && (shape->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL));
}

/* What the colours mean afterwards, where the picture's own say nothing any more. */
static void recolor(const AVFrame *picture, struct fr_frame *frame)
{
    int was_rgb = is_rgb((enum AVPixelFormat)picture->format);
    int is_yuv = fr_format_info(frame->format)->is_yuv;
    if (was_rgb && is_yuv) {
        frame->color.matrix = frame->height >= FIRST_HD_HEIGHT ? 1 : 6;
        frame->color.range = 1;
        frame->color.chroma_location = 0;
    }
    if (!was_rgb && !is_yuv) {
        frame->color.matrix = 0;
        frame->color.range = 2;
        frame->color.chroma_location = 0;
    }
}

static int coefficients_of(unsigned matrix, uint32_t height)
{
    if (matrix == AVCOL_SPC_BT2020_NCL || matrix == AVCOL_SPC_BT2020_CL)
        return SWS_CS_BT2020;
    if (matrix == 1 || (matrix >= 4 && matrix <= 7))
        return (int)matrix; /* libswscale counts as H.273 does */
    return height >= FIRST_HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

int media_convert(struct SwsContext **sws, const AVFrame *picture, struct fr_frame *frame)
{
    uint8_t *data[4] = { NULL };
    int linesize[4] = { 0 };
    enum AVPixelFormat from = (enum AVPixelFormat)picture->format;
    int full = frame->color.range == 2 || is_rgb(from);
    unsigned matrix = is_rgb(from) ? AVCOL_SPC_UNSPECIFIED : frame->color.matrix;
    recolor(picture, frame);
    *sws = sws_getCachedContext(*sws, picture->width, picture->height, from, picture->width,
                                picture->height, fr_av_pix_fmt(frame->format), FLAGS, NULL, NULL,
                                NULL);
    if (!*sws)
        return -1;
    const int *coefficients = sws_getCoefficients(coefficients_of(matrix, frame->height));
    int full_after = frame->color.range == 2 || !fr_format_info(frame->format)->is_yuv;
    /* Between two RGB formats there is nothing to say, and it answers so. */
    sws_setColorspaceDetails(*sws, coefficients, full, coefficients, full_after, 0, 1 << 16,
                             1 << 16);
    for (uint32_t i = 0; i < frame->planes; i++) {
        data[i] = frame->plane[i].data;
        linesize[i] = (int)frame->plane[i].stride;
    }
    int rows = sws_scale(*sws, (const uint8_t *const *)picture->data, picture->linesize, 0,
                         picture->height, data, linesize);
    return rows == picture->height ? 0 : -1;
}
