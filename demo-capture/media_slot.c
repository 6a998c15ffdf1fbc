/* SPDX-License-Identifier: MIT */

/* See media_slot.h. A slot that does not fit is no error: the decoder gets memory as always. */

#include "media_slot.h"

#include <framering/av.h>
#include <libavutil/buffer.h>

#define ALIGNMENT 64

int media_slot_suits(const AVCodec *decoder)
{
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(decoder->id);
    return descriptor && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) &&
           (decoder->capabilities & AV_CODEC_CAP_DR1);
}

uint64_t media_slot_size(AVCodecContext *codec, int width, int height, enum fr_format format)
{
    int align[AV_NUM_DATA_POINTERS];
    avcodec_align_dimensions2(codec, &width, &height, align);
    return fr_frame_size((uint32_t)width, (uint32_t)height, format);
}

static ptrdiff_t stride_of(const struct fr_format_info *info, int plane, int width)
{
    const struct fr_plane_info *shape = &info->plane[plane];
    int columns = (width + (1 << shape->log2_w) - 1) >> shape->log2_w;
    /* As the library does it: half of the luma's stride is the chroma's. */
    int has_half = plane == 0 && info->planes == 3 && info->plane[1].log2_w == 1;
    int alignment = has_half ? 2 * ALIGNMENT : ALIGNMENT;
    return (ptrdiff_t)(columns * shape->group_bytes + alignment - 1) / alignment * alignment;
}

/* The codec's size is the picture's: of codecs like these libavcodec cuts nothing off afterwards. */
static int fits(const struct media_slot *slot, AVCodecContext *codec, const AVFrame *picture)
{
    const struct fr_frame *frame = slot->frame;
    enum fr_format format = fr_av_format((enum AVPixelFormat)picture->format);
    return frame && !slot->is_taken && format == frame->format &&
           (uint32_t)codec->width == frame->width && (uint32_t)codec->height == frame->height &&
           media_slot_size(codec, picture->width, picture->height, format) <= slot->slot_size;
}

/* The slot is main's, whoever refers to it. */
static void keep(void *opaque, uint8_t *data)
{
    (void)opaque;
    (void)data;
}

/* Where the planes are when the decoder fills so many rows and columns. The number of bytes, or 0. */
static size_t lay_out(const struct fr_frame *frame, AVCodecContext *codec, int width, int height,
                      struct fr_plane plane[FR_MAX_PLANES])
{
    const struct fr_format_info *info = fr_format_info(frame->format);
    int align[AV_NUM_DATA_POINTERS];
    size_t size = 0;
    avcodec_align_dimensions2(codec, &width, &height, align);
    for (int i = 0; i < info->planes; i++) {
        int log2_h = info->plane[i].log2_h;
        plane[i].data = frame->plane[0].data + size;
        plane[i].stride = stride_of(info, i, width);
        if (align[i] > 0 && plane[i].stride % align[i] != 0)
            return 0;
        size += (size_t)plane[i].stride * (size_t)((height + (1 << log2_h) - 1) >> log2_h);
    }
    return size;
}

static int get_buffer(AVCodecContext *codec, AVFrame *picture, int flags)
{
    struct media_slot *slot = codec->opaque;
    if ((flags & AV_GET_BUFFER_FLAG_REF) || !fits(slot, codec, picture))
        return avcodec_default_get_buffer2(codec, picture, flags);
    struct fr_plane plane[FR_MAX_PLANES] = { 0 };
    size_t size = lay_out(slot->frame, codec, picture->width, picture->height, plane);
    if (size > 0)
        picture->buf[0] = av_buffer_create(slot->frame->plane[0].data, size, keep, NULL, 0);
    if (!picture->buf[0])
        return avcodec_default_get_buffer2(codec, picture, flags);
    for (uint32_t i = 0; i < slot->frame->planes; i++) {
        picture->data[i] = plane[i].data;
        picture->linesize[i] = (int)plane[i].stride;
    }
    picture->extended_data = picture->data;
    slot->is_taken = 1;
    return 0;
}

void media_slot_use(struct media_slot *slot, AVCodecContext *codec)
{
    codec->opaque = slot;
    codec->get_buffer2 = get_buffer;
    /* Threads that work at several pictures would want several slots, and show each later. */
    codec->thread_type = FF_THREAD_SLICE;
}

int media_slot_holds(const struct media_slot *slot, const AVFrame *picture)
{
    return slot->frame && picture->buf[0] && picture->buf[0]->data == slot->frame->plane[0].data;
}
