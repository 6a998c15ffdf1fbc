/* SPDX-License-Identifier: MIT */

/*
 * Pixel formats. The oracles are not ours: the numbers come from Linux' drm_fourcc.h, the geometry
 * of planes from libavutil.
 */

#include "../lib/src/format.h"
#include "support.h"

#include <check.h>
#include <libavutil/avutil.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libdrm/drm_fourcc.h>
#include <string.h>

/* Our names follow memory, DRM's follow the little-endian word: hence the reversed letters. */
_Static_assert(FR_FORMAT_BGRX == DRM_FORMAT_XRGB8888, "");
_Static_assert(FR_FORMAT_BGRA == DRM_FORMAT_ARGB8888, "");
_Static_assert(FR_FORMAT_RGBX == DRM_FORMAT_XBGR8888, "");
_Static_assert(FR_FORMAT_RGBA == DRM_FORMAT_ABGR8888, "");
_Static_assert(FR_FORMAT_ARGB == DRM_FORMAT_BGRA8888, "");
_Static_assert(FR_FORMAT_ABGR == DRM_FORMAT_RGBA8888, "");
_Static_assert(FR_FORMAT_RGB24 == DRM_FORMAT_BGR888, "");
_Static_assert(FR_FORMAT_BGR24 == DRM_FORMAT_RGB888, "");
_Static_assert(FR_FORMAT_RGB565 == DRM_FORMAT_RGB565, "");
_Static_assert(FR_FORMAT_X2RGB10 == DRM_FORMAT_XRGB2101010, "");
_Static_assert(FR_FORMAT_X2BGR10 == DRM_FORMAT_XBGR2101010, "");
_Static_assert(FR_FORMAT_RGBA64 == DRM_FORMAT_ABGR16161616, "");
_Static_assert(FR_FORMAT_RGBAF16 == DRM_FORMAT_ABGR16161616F, "");
_Static_assert(FR_FORMAT_GRAY8 == DRM_FORMAT_R8, "");
_Static_assert(FR_FORMAT_GRAY10 == DRM_FORMAT_R10, "");
_Static_assert(FR_FORMAT_GRAY12 == DRM_FORMAT_R12, "");
_Static_assert(FR_FORMAT_GRAY16 == DRM_FORMAT_R16, "");
_Static_assert(FR_FORMAT_NV12 == DRM_FORMAT_NV12, "");
_Static_assert(FR_FORMAT_NV21 == DRM_FORMAT_NV21, "");
_Static_assert(FR_FORMAT_NV16 == DRM_FORMAT_NV16, "");
_Static_assert(FR_FORMAT_NV24 == DRM_FORMAT_NV24, "");
_Static_assert(FR_FORMAT_P010 == DRM_FORMAT_P010, "");
_Static_assert(FR_FORMAT_YUV420P == DRM_FORMAT_YUV420, "");
_Static_assert(FR_FORMAT_YUV422P == DRM_FORMAT_YUV422, "");
_Static_assert(FR_FORMAT_YUV444P == DRM_FORMAT_YUV444, "");
_Static_assert(FR_FORMAT_YUYV == DRM_FORMAT_YUYV, "");
_Static_assert(FR_FORMAT_UYVY == DRM_FORMAT_UYVY, "");
/* Younger than the headers of Debian 12 and 13. */
#ifdef DRM_FORMAT_S010
_Static_assert(FR_FORMAT_YUV420P10 == DRM_FORMAT_S010, "");
_Static_assert(FR_FORMAT_YUV422P10 == DRM_FORMAT_S210, "");
_Static_assert(FR_FORMAT_YUV444P10 == DRM_FORMAT_S410, "");
#endif

#define FORMAT_ONE(name, fourcc, ffmpeg) +1
enum { FORMAT_COUNT = 0 FR_FORMATS(FORMAT_ONE) };

static const uint32_t sides[] = { 1, 2, 3, 16, 33, 641, 1366, 1367, 1920, 1921, 3440 };
enum { SIDE_COUNT = sizeof sides / sizeof *sides };

static void expect_planes_of_libavutil(const struct fr_format_info *info,
                                       enum AVPixelFormat pix_fmt, uint32_t width, uint32_t height)
{
    int linesize[4];
    ck_assert_int_ge(av_image_fill_linesizes(linesize, pix_fmt, (int)width), 0);
    const ptrdiff_t strides[4] = { linesize[0], linesize[1], linesize[2], linesize[3] };
    size_t sizes[4];
    ck_assert_int_ge(av_image_fill_plane_sizes(sizes, pix_fmt, (int)height, strides), 0);

    for (int i = 0; i < FR_MAX_PLANES; i++) {
        if (i >= info->planes) {
            ck_assert_uint_eq(sizes[i], 0);
            continue;
        }
        ck_assert_msg(fri_plane_row_bytes(&info->plane[i], width) == (uint32_t)linesize[i],
                      "%s plane %d width %u: libavutil has %d bytes", info->name, i, width,
                      linesize[i]);
        ck_assert_msg(fri_plane_rows(&info->plane[i], height) * (size_t)linesize[i] == sizes[i],
                      "%s plane %d height %u: libavutil has %zu rows", info->name, i, height,
                      sizes[i] / (size_t)linesize[i]);
    }
}

START_TEST(every_format_has_the_plane_sizes_of_libavutil)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    const enum AVPixelFormat pix_fmt = av_get_pix_fmt(info->name);
    if (pix_fmt == AV_PIX_FMT_NONE) {
        /* The only format that the oldest libavutil we build with lacks. */
        ck_assert_int_eq(info->format, FR_FORMAT_RGBAF16);
        ck_assert_uint_lt(avutil_version() >> 16, 58);
        return;
    }
    ck_assert_int_eq(av_pix_fmt_count_planes(pix_fmt), info->planes);
    for (int w = 0; w < SIDE_COUNT; w++) {
        for (int h = 0; h < SIDE_COUNT; h++)
            expect_planes_of_libavutil(info, pix_fmt, sides[w], sides[h]);
    }
}
END_TEST

START_TEST(every_format_is_described_as_libavutil_describes_it)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(av_get_pix_fmt(info->name));
    if (!desc)
        return;
    int bits = 0;
    for (int i = 0; i < desc->nb_components; i++)
        bits = desc->comp[i].depth > bits ? desc->comp[i].depth : bits;
    ck_assert_int_eq(info->bits, bits);
    ck_assert_int_eq(info->is_yuv, !(desc->flags & AV_PIX_FMT_FLAG_RGB));
    ck_assert_int_eq(info->has_alpha, (desc->flags & AV_PIX_FMT_FLAG_ALPHA) != 0);
    ck_assert_str_eq(desc->name, info->name);
    ck_assert_uint_eq(desc->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_BITSTREAM), 0);
}
END_TEST

START_TEST(every_format_is_found_by_number_and_by_its_names)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    ck_assert_ptr_eq(fr_format_info(info->format), info);
    ck_assert_int_eq(fr_format_by_name(info->name), info->format);

    const uint32_t fourcc = info->format;
    char text[5] = { (char)(fourcc & 0xff), (char)(fourcc >> 8 & 0xff), (char)(fourcc >> 16 & 0xff),
                     (char)(fourcc >> 24), '\0' };
    ck_assert_int_eq(fr_format_by_name(text), info->format);
    text[strcspn(text, " ")] = '\0';
    ck_assert_int_eq(fr_format_by_name(text), info->format);
}
END_TEST

START_TEST(no_two_formats_share_a_name_or_a_number)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    for (size_t i = 0; i < (size_t)_i; i++) {
        ck_assert_str_ne(fr_format_at(i)->name, info->name);
        ck_assert_int_ne(fr_format_at(i)->format, info->format);
    }
}
END_TEST

START_TEST(the_list_ends_after_the_last_format)
{
    ck_assert_ptr_nonnull(fr_format_at(FORMAT_COUNT - 1));
    ck_assert_ptr_null(fr_format_at(FORMAT_COUNT));
    ck_assert_ptr_null(fr_format_at(SIZE_MAX));
}
END_TEST

START_TEST(names_without_byte_order_and_common_synonyms_are_understood)
{
    ck_assert_int_eq(fr_format_by_name("rgb565"), FR_FORMAT_RGB565);
    ck_assert_int_eq(fr_format_by_name("gray16"), FR_FORMAT_GRAY16);
    ck_assert_int_eq(fr_format_by_name("yuv420p10"), FR_FORMAT_YUV420P10);
    ck_assert_int_eq(fr_format_by_name("p010"), FR_FORMAT_P010);
    ck_assert_int_eq(fr_format_by_name("rgba64"), FR_FORMAT_RGBA64);
    ck_assert_int_eq(fr_format_by_name("gray8"), FR_FORMAT_GRAY8);
    ck_assert_int_eq(fr_format_by_name("grey"), FR_FORMAT_GRAY8);
    ck_assert_int_eq(fr_format_by_name("GREY"), FR_FORMAT_GRAY8);
    ck_assert_int_eq(fr_format_by_name("R8"), FR_FORMAT_GRAY8);
}
END_TEST

START_TEST(unknown_names_and_numbers_are_no_format)
{
    static const char *const names[] = { "",         " ",        "    ",     "le",
                                         "bgr",      "bgra ",    "XR2",      "XR24 ",
                                         "XR245",    "xr24",     "rgb565be", "rgb565l",
                                         "p010lele", "gray10be", "pal8",     "\xff\xff\xff\xff" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(fr_format_by_name(names[i]) == FR_FORMAT_NONE, "'%s'", names[i]);
    ck_assert_int_eq(fr_format_by_name(NULL), FR_FORMAT_NONE);
    ck_assert_ptr_null(fr_format_info(FR_FORMAT_NONE));
    ck_assert_ptr_null(fr_format_info((enum fr_format)1));
    ck_assert_ptr_null(fr_format_info((enum fr_format)DRM_FORMAT_C8));
}
END_TEST

static void expect_good_layout(const struct fr_format_info *info, uint32_t width, uint32_t height)
{
    struct fri_picture picture;
    ck_assert_int_eq(fri_format_layout(info->format, width, height, &picture), 0);
    ck_assert_uint_eq(picture.planes, info->planes);

    uint64_t end = 0;
    for (uint32_t i = 0; i < picture.planes; i++) {
        const struct fri_plane_layout *plane = &picture.plane[i];
        ck_assert_uint_eq(plane->rows, fri_plane_rows(&info->plane[i], height));
        ck_assert_uint_eq(plane->row_bytes, fri_plane_row_bytes(&info->plane[i], width));
        ck_assert_uint_gt(plane->rows, 0);
        ck_assert_uint_gt(plane->row_bytes, 0);
        ck_assert_uint_eq(plane->stride % 64, 0);
        ck_assert_uint_ge(plane->stride, plane->row_bytes);
        ck_assert_uint_lt(plane->stride, plane->row_bytes + UINT64_C(128));
        ck_assert_uint_eq(plane->offset, end);
        ck_assert_uint_eq(plane->offset % 64, 0);
        end = plane->offset + plane->stride * plane->rows;
    }
    ck_assert_uint_eq(picture.size, end + 128);

    if (info->planes == 3 && info->plane[1].log2_w == 1) {
        ck_assert_uint_eq(2 * picture.plane[1].stride, picture.plane[0].stride);
        ck_assert_uint_eq(2 * picture.plane[2].stride, picture.plane[0].stride);
    }
    /* One matrix of 3/2 h rows: what OpenCV wants of NV12. */
    if (info->planes == 2 && info->plane[1].log2_w == 1)
        ck_assert_uint_eq(picture.plane[1].stride, picture.plane[0].stride);
}

START_TEST(planes_follow_each_other_with_aligned_strides_and_a_tail)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    for (int w = 0; w < SIDE_COUNT; w++) {
        for (int h = 0; h < SIDE_COUNT; h++)
            expect_good_layout(info, sides[w], sides[h]);
    }
    for (uint32_t width = 1; width <= 300; width++)
        expect_good_layout(info, width, 5);
    expect_good_layout(info, FR_MAX_SIDE, FR_MAX_SIDE);
    expect_good_layout(info, FR_MAX_SIDE, 1);
    expect_good_layout(info, 1, FR_MAX_SIDE);
    expect_good_layout(info, FR_MAX_SIDE - 1, FR_MAX_SIDE - 1);
}
END_TEST

static uint64_t picture_size(enum fr_format format, uint32_t width, uint32_t height)
{
    struct fri_picture picture;
    ck_assert_int_eq(fri_format_layout(format, width, height, &picture), 0);
    return picture.size;
}

START_TEST(a_larger_picture_never_needs_less_memory)
{
    const enum fr_format format = fr_format_at((size_t)_i)->format;
    for (uint32_t side = 1; side < 700; side++) {
        ck_assert_uint_ge(picture_size(format, side + 1, 33), picture_size(format, side, 33));
        ck_assert_uint_ge(picture_size(format, 33, side + 1), picture_size(format, 33, side));
    }
}
END_TEST

START_TEST(impossible_pictures_are_refused)
{
    struct fri_picture picture;
    ck_assert_int_eq(fri_format_layout(FR_FORMAT_NONE, 16, 16, &picture), FR_ENOTSUP);
    ck_assert_int_eq(fri_format_layout((enum fr_format)7, 16, 16, &picture), FR_ENOTSUP);
    ck_assert_int_eq(fri_format_layout(FR_FORMAT_NV12, 0, 16, &picture), FR_EINVAL);
    ck_assert_int_eq(fri_format_layout(FR_FORMAT_NV12, 16, 0, &picture), FR_EINVAL);
    ck_assert_int_eq(fri_format_layout(FR_FORMAT_NV12, FR_MAX_SIDE + 1, 1, &picture), FR_EINVAL);
    ck_assert_int_eq(fri_format_layout(FR_FORMAT_NV12, 1, UINT32_MAX, &picture), FR_EINVAL);
}
END_TEST

START_TEST(known_pictures_have_the_size_one_expects)
{
    ck_assert_uint_eq(picture_size(FR_FORMAT_BGRA, 1920, 1080), 1920 * 1080 * 4 + 128);
    ck_assert_uint_eq(picture_size(FR_FORMAT_NV12, 1920, 1080), 1920 * 1080 * 3 / 2 + 128);
    ck_assert_uint_eq(picture_size(FR_FORMAT_YUV420P, 1920, 1080), 1920 * 1080 * 3 / 2 + 128);
    ck_assert_uint_eq(picture_size(FR_FORMAT_RGBA64, FR_MAX_SIDE, FR_MAX_SIDE),
                      (UINT64_C(8) << 32) + 128);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("format");

    TCase *table = tcase_create("table");
    tcase_add_loop_test(table, every_format_is_found_by_number_and_by_its_names, 0, FORMAT_COUNT);
    tcase_add_loop_test(table, no_two_formats_share_a_name_or_a_number, 0, FORMAT_COUNT);
    tcase_add_loop_test(table, every_format_is_described_as_libavutil_describes_it, 0,
                        FORMAT_COUNT);
    tcase_add_test(table, the_list_ends_after_the_last_format);
    tcase_add_test(table, names_without_byte_order_and_common_synonyms_are_understood);
    tcase_add_test(table, unknown_names_and_numbers_are_no_format);
    suite_add_tcase(suite, table);

    TCase *geometry = tcase_create("geometry");
    tcase_add_loop_test(geometry, every_format_has_the_plane_sizes_of_libavutil, 0, FORMAT_COUNT);
    tcase_add_loop_test(geometry, planes_follow_each_other_with_aligned_strides_and_a_tail, 0,
                        FORMAT_COUNT);
    tcase_add_loop_test(geometry, a_larger_picture_never_needs_less_memory, 0, FORMAT_COUNT);
    tcase_add_test(geometry, impossible_pictures_are_refused);
    tcase_add_test(geometry, known_pictures_have_the_size_one_expects);
    suite_add_tcase(suite, geometry);

    return fr_test_main(suite);
}
