/* SPDX-License-Identifier: MIT */

/*
 * Pixel formats: one table of what is known of each, and the geometry of pictures. Floor 5.
 *
 * Names and fourccs come from FR_FORMATS of the public header; what stands here in addition is the
 * shape of each format. A format without a shape does not compile. libavutil is the oracle of the
 * tests: for every format and many odd sizes its row bytes and rows are the same as ours.
 */

#include "format.h"

#include <string.h>

enum {
#define FORMAT_INDEX(name, fourcc, ffmpeg) INDEX_##name,
    FR_FORMATS(FORMAT_INDEX)
#undef FORMAT_INDEX
        FORMAT_COUNT
};

/*
 * Shapes. The plane triples are bytes of a sample group, log2 of the pixels it covers sideways, and
 * log2 of the pixels it covers downwards.
 */
#define RGB(depth, bytes, alpha)                                                                   \
    .planes = 1, .bits = (depth), .has_alpha = (alpha), .plane = { { (bytes), 0, 0 } }
#define YUV(depth, count, ...)                                                                     \
    .planes = (count), .bits = (depth), .is_yuv = 1, .plane = { __VA_ARGS__ }

#define SHAPE_BGRX RGB(8, 4, 0)
#define SHAPE_BGRA RGB(8, 4, 1)
#define SHAPE_RGBX RGB(8, 4, 0)
#define SHAPE_RGBA RGB(8, 4, 1)
#define SHAPE_ARGB RGB(8, 4, 1)
#define SHAPE_ABGR RGB(8, 4, 1)
#define SHAPE_RGB24 RGB(8, 3, 0)
#define SHAPE_BGR24 RGB(8, 3, 0)
#define SHAPE_RGB565 RGB(6, 2, 0) /* the green sample; the others have 5 */
#define SHAPE_X2RGB10 RGB(10, 4, 0)
#define SHAPE_X2BGR10 RGB(10, 4, 0)
#define SHAPE_RGBA64 RGB(16, 8, 1)
#define SHAPE_RGBAF16 RGB(16, 8, 1)
#define SHAPE_GRAY8 YUV(8, 1, { 1, 0, 0 })
#define SHAPE_GRAY10 YUV(10, 1, { 2, 0, 0 })
#define SHAPE_GRAY12 YUV(12, 1, { 2, 0, 0 })
#define SHAPE_GRAY16 YUV(16, 1, { 2, 0, 0 })
#define SHAPE_NV12 YUV(8, 2, { 1, 0, 0 }, { 2, 1, 1 })
#define SHAPE_NV21 YUV(8, 2, { 1, 0, 0 }, { 2, 1, 1 })
#define SHAPE_NV16 YUV(8, 2, { 1, 0, 0 }, { 2, 1, 0 })
#define SHAPE_NV24 YUV(8, 2, { 1, 0, 0 }, { 2, 0, 0 })
#define SHAPE_P010 YUV(10, 2, { 2, 0, 0 }, { 4, 1, 1 })
#define SHAPE_YUV420P YUV(8, 3, { 1, 0, 0 }, { 1, 1, 1 }, { 1, 1, 1 })
#define SHAPE_YUV422P YUV(8, 3, { 1, 0, 0 }, { 1, 1, 0 }, { 1, 1, 0 })
#define SHAPE_YUV444P YUV(8, 3, { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 })
#define SHAPE_YUV420P10 YUV(10, 3, { 2, 0, 0 }, { 2, 1, 1 }, { 2, 1, 1 })
#define SHAPE_YUV422P10 YUV(10, 3, { 2, 0, 0 }, { 2, 1, 0 }, { 2, 1, 0 })
#define SHAPE_YUV444P10 YUV(10, 3, { 2, 0, 0 }, { 2, 0, 0 }, { 2, 0, 0 })
#define SHAPE_YUYV YUV(8, 1, { 4, 1, 0 })
#define SHAPE_UYVY YUV(8, 1, { 4, 1, 0 })

static const struct fr_format_info formats[FORMAT_COUNT] = {
#define FORMAT_ROW(id, fourcc, ffmpeg)                                                             \
    [INDEX_##id] = { .format = FR_FORMAT_##id, .name = (ffmpeg), SHAPE_##id },
    FR_FORMATS(FORMAT_ROW)
#undef FORMAT_ROW
};

FR_API const struct fr_format_info *fr_format_info(enum fr_format format)
{
    switch (format) {
#define FORMAT_CASE(name, fourcc, ffmpeg)                                                          \
    case FR_FORMAT_##name:                                                                         \
        return &formats[INDEX_##name];
        FR_FORMATS(FORMAT_CASE)
#undef FORMAT_CASE
    case FR_FORMAT_NONE:
        break;
    }
    return NULL;
}

FR_API const struct fr_format_info *fr_format_at(size_t index)
{
    return index < FORMAT_COUNT ? &formats[index] : NULL;
}

/* True also for "gray16" where FFmpeg's full name is "gray16le": all formats are little-endian. */
static int is_name_of(const struct fr_format_info *info, const char *name)
{
    const size_t full = strlen(info->name);
    const size_t length = strlen(name);
    if (strncmp(info->name, name, length) != 0)
        return 0;
    return length == full || (length + 2 == full && strcmp(info->name + length, "le") == 0);
}

/* Up to four characters as a fourcc, padded with blanks as the registry does; else 0. */
static uint32_t fourcc_of(const char *text)
{
    uint32_t fourcc = FR_FOURCC(' ', ' ', ' ', ' ');
    for (unsigned i = 0; text[i] != '\0'; i++) {
        if (i == 4)
            return 0;
        fourcc &= ~(UINT32_C(0xff) << (8 * i));
        fourcc |= (uint32_t)(unsigned char)text[i] << (8 * i);
    }
    return fourcc;
}

FR_API enum fr_format fr_format_by_name(const char *name)
{
    if (!name)
        return FR_FORMAT_NONE;

    /* V4L2 and newer DRM headers call it GREY; FFmpeg knows gray8 as well as gray. */
    if (strcmp(name, "gray8") == 0 || strcmp(name, "grey") == 0 || strcmp(name, "GREY") == 0)
        return FR_FORMAT_GRAY8;

    const uint32_t fourcc = fourcc_of(name);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (is_name_of(&formats[i], name) || (uint32_t)formats[i].format == fourcc)
            return formats[i].format;
    }
    return FR_FORMAT_NONE;
}

static uint64_t ceil_shift(uint64_t value, unsigned shift)
{
    return (value + (UINT64_C(1) << shift) - 1) >> shift;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

uint32_t fri_plane_rows(const struct fr_plane_info *plane, uint32_t height)
{
    return (uint32_t)ceil_shift(height, plane->log2_h);
}

uint32_t fri_plane_row_bytes(const struct fr_plane_info *plane, uint32_t width)
{
    return (uint32_t)(ceil_shift(width, plane->log2_w) * plane->group_bytes);
}

/* True for YUV420P and its like: U and V are planes of their own with half as many columns. */
static int has_half_width_chroma(const struct fr_format_info *info)
{
    return info->planes == 3 && info->plane[1].log2_w == 1;
}

int fri_format_layout(enum fr_format format, uint32_t width, uint32_t height,
                      struct fri_picture *out)
{
    const struct fr_format_info *info = fr_format_info(format);
    if (!info)
        return FR_ENOTSUP;
    if (width == 0 || width > FR_MAX_SIDE || height == 0 || height > FR_MAX_SIDE)
        return FR_EINVAL;

    /* Half of the luma's stride must itself be a multiple of FRI_STRIDE_ALIGN. */
    const int halve = has_half_width_chroma(info);
    const uint64_t luma_align = halve ? 2 * FRI_STRIDE_ALIGN : FRI_STRIDE_ALIGN;

    *out = (struct fri_picture){ .planes = info->planes };
    for (uint32_t i = 0; i < info->planes; i++) {
        struct fri_plane_layout *plane = &out->plane[i];
        plane->rows = fri_plane_rows(&info->plane[i], height);
        plane->row_bytes = fri_plane_row_bytes(&info->plane[i], width);
        plane->offset = out->size;
        if (i > 0 && halve)
            plane->stride = out->plane[0].stride / 2;
        else
            plane->stride = align_up(plane->row_bytes, i == 0 ? luma_align : FRI_STRIDE_ALIGN);
        out->size += plane->stride * plane->rows;
    }
    out->size += FRI_PICTURE_TAIL;
    return 0;
}
