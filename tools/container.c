/* SPDX-License-Identifier: MIT */

/* See container.h. y4m and raw are written here, straight from the ring; nut in nut.c. */

#define _GNU_SOURCE

#include "container.h"

#include <errno.h>
#include <inttypes.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <framering/av.h>

#include "adapt.h"
#include "command.h"
#include "nut.h"
#include "transfer.h"

struct container {
    enum container_kind kind;
    int fd;
    uint32_t width;
    uint32_t height;
    enum fr_format format; /* of the frames that come */
    struct adapt *adapt;   /* NULL: they are written as they are */
    struct nut *nut;
    int has_header;
};

/* The tags of YUV4MPEG2; of 4:2:0 there are three, see y4m_tag. */
static const struct y4m_format {
    enum fr_format format;
    const char *tag;
} y4m_formats[] = {
    { FR_FORMAT_YUV420P, "420jpeg" },
    { FR_FORMAT_YUV422P, "422" },
    { FR_FORMAT_YUV444P, "444" },
    { FR_FORMAT_YUV420P10, "420p10 XYSCSS=420P10" },
    { FR_FORMAT_YUV422P10, "422p10 XYSCSS=422P10" },
    { FR_FORMAT_YUV444P10, "444p10 XYSCSS=444P10" },
    { FR_FORMAT_GRAY8, "mono" },
    { FR_FORMAT_GRAY10, "mono10" },
    { FR_FORMAT_GRAY12, "mono12" },
    { FR_FORMAT_GRAY16, "mono16" },
};

static const char *y4m_tag(enum fr_format format, uint8_t chroma_location)
{
    if (format == FR_FORMAT_YUV420P && chroma_location == 1)
        return "420mpeg2";
    if (format == FR_FORMAT_YUV420P && chroma_location == 3)
        return "420paldv";
    for (size_t i = 0; i < sizeof y4m_formats / sizeof *y4m_formats; i++)
        if (y4m_formats[i].format == format)
            return y4m_formats[i].tag;
    return NULL;
}

static int y4m_names(enum fr_format format)
{
    return y4m_tag(format, 0) != NULL;
}

/* Without a tag libavformat writes all the same, and whoever reads it sees another format. */
static int nut_names(enum fr_format format)
{
    enum AVPixelFormat av_format = fr_av_pix_fmt(format);
    return av_format != AV_PIX_FMT_NONE && avcodec_pix_fmt_to_codec_tag(av_format) != 0;
}

static int raw_names(enum fr_format format)
{
    return fr_format_info(format) != NULL;
}

static const struct kind {
    const char *name;
    int (*names)(enum fr_format format);
} kinds[] = {
    [CONTAINER_NUT] = { "nut", nut_names },
    [CONTAINER_Y4M] = { "y4m", y4m_names },
    [CONTAINER_RAW] = { "raw", raw_names },
};

/* Prepares the conversion if the frames' format needs one. */
static int make_adapt(struct container *container, const struct fr_frame *first)
{
    const struct kind *kind = &kinds[container->kind];
    const char *from = fr_format_info(first->format)->name;
    enum fr_format to = adapt_choose(first->format, kind->names);
    if (to == first->format)
        return 0;
    int error = to == FR_FORMAT_NONE ? FR_ENOTSUP : adapt_create(first, to, &container->adapt);
    if (error == FR_ENOTSUP)
        command_error("%s cannot carry %s, and this libswscale cannot convert it: use --format raw",
                      kind->name, from);
    else if (error < 0)
        command_error("cannot convert %s: %s", from, fr_strerror(error));
    else
        command_error("%s cannot carry %s: converting to %s", kind->name, from,
                      fr_format_info(to)->name);
    return error;
}

struct container *container_open(enum container_kind kind, int fd, const struct fr_frame *first)
{
    struct container *container = calloc(1, sizeof *container);
    if (!container) {
        command_error("out of memory");
        return NULL;
    }
    *container = (struct container){ .kind = kind,
                                     .fd = fd,
                                     .width = first->width,
                                     .height = first->height,
                                     .format = first->format };
    if (make_adapt(container, first) < 0)
        container_close(&container);
    return container;
}

static int y4m_header(int fd, const struct fr_frame *frame)
{
    static const char *const ranges[] = { "", " XCOLORRANGE=LIMITED", " XCOLORRANGE=FULL" };
    struct fr_rational rate = frame->frame_rate;
    struct fr_rational aspect = frame->sample_aspect;
    char line[256];
    if (rate.num <= 0 || rate.den <= 0)
        rate = (struct fr_rational){ 25, 1 }; /* it has to say something */
    if (aspect.num <= 0 || aspect.den <= 0)
        aspect = (struct fr_rational){ 0, 0 };
    int length = snprintf(line, sizeof line,
                          "YUV4MPEG2 W%" PRIu32 " H%" PRIu32 " F%" PRId32 ":%" PRId32
                          " Ip A%" PRId32 ":%" PRId32 " C%s%s\n",
                          frame->width, frame->height, rate.num, rate.den, aspect.num, aspect.den,
                          y4m_tag(frame->format, frame->color.chroma_location),
                          ranges[frame->color.range <= 2 ? frame->color.range : 0]);
    return transfer_write(fd, line, (size_t)length);
}

static int y4m_write(struct container *container, const struct fr_frame *frame)
{
    int error = container->has_header ? 0 : y4m_header(container->fd, frame);
    container->has_header = 1;
    if (error == 0)
        error = transfer_write(container->fd, "FRAME\n", 6);
    return error == 0 ? transfer_write_frame(container->fd, frame) : error;
}

static int nut_write(struct container *container, const struct fr_frame *frame)
{
    int error = container->nut ? 0 : nut_open(container->fd, frame, &container->nut);
    return error == 0 ? nut_write_frame(container->nut, frame) : error;
}

static int write_picture(struct container *container, const struct fr_frame *frame)
{
    switch (container->kind) {
    case CONTAINER_NUT:
        return nut_write(container, frame);
    case CONTAINER_Y4M:
        return y4m_write(container, frame);
    case CONTAINER_RAW:
        break;
    }
    return transfer_write_frame(container->fd, frame);
}

static enum container_result tell_change(const struct container *container,
                                         const struct fr_frame *frame)
{
    command_error("the stream changed from %" PRIu32 "x%" PRIu32 " %s to %" PRIu32 "x%" PRIu32
                  " %s, which %s cannot say in the middle; run the command again",
                  container->width, container->height, fr_format_info(container->format)->name,
                  frame->width, frame->height, fr_format_info(frame->format)->name,
                  kinds[container->kind].name);
    return CONTAINER_FAILED;
}

enum container_result container_write(struct container *container, const struct fr_frame *frame)
{
    const struct fr_frame *picture = frame;
    if (frame->width != container->width || frame->height != container->height ||
        frame->format != container->format)
        return tell_change(container, frame);
    int error = container->adapt ? adapt_frame(container->adapt, frame, &picture) : 0;
    if (error == 0)
        error = write_picture(container, picture);
    if (error == -EPIPE || error == -ECANCELED)
        return CONTAINER_CLOSED;
    if (error == 0)
        return CONTAINER_OK;
    command_error("cannot write the frames: %s", transfer_strerror(error));
    return CONTAINER_FAILED;
}

void container_close(struct container **container)
{
    if (!*container)
        return;
    nut_close(&(*container)->nut);
    adapt_destroy(&(*container)->adapt);
    free(*container);
    *container = NULL;
}
