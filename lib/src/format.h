/* SPDX-License-Identifier: MIT */
#ifndef FRI_FORMAT_H
#define FRI_FORMAT_H

/*
 * Pixel formats and the geometry that follows from them. Floor 5: knows the public header only,
 * neither slots nor shared memory. Everything here is a pure function of its arguments.
 */

#include <framering/framering.h>

enum {
    FRI_STRIDE_ALIGN = 64,  /* lets SIMD code run over the end of a row into its padding */
    FRI_PICTURE_TAIL = 128, /* readable bytes behind the last plane, for the same reason */
};

/* One plane of a picture that the library lays out itself. */
struct fri_plane_layout {
    uint64_t offset; /* of the top row, from the start of the picture; a multiple of 64 */
    uint64_t stride; /* a multiple of 64 */
    uint32_t rows;
    uint32_t row_bytes;
};

struct fri_picture {
    uint32_t planes;
    struct fri_plane_layout plane[FR_MAX_PLANES];
    uint64_t size; /* all planes and FRI_PICTURE_TAIL */
};

/* Rows of a plane in a picture of that height, and bytes of a row in one of that width; sides up
 * to FR_MAX_SIDE. */
uint32_t fri_plane_rows(const struct fr_plane_info *plane, uint32_t height);
uint32_t fri_plane_row_bytes(const struct fr_plane_info *plane, uint32_t width);

/*
 * Lays a picture out: planes in order, nothing between them but the padding of their rows. A chroma
 * plane of half the width has half the luma's stride, because many programs take that for granted.
 *
 * Returns: 0; FR_ENOTSUP unknown format; FR_EINVAL a side is 0 or above FR_MAX_SIDE
 */
int fri_format_layout(enum fr_format format, uint32_t width, uint32_t height,
                      struct fri_picture *out);

#endif
