/* SPDX-License-Identifier: MIT */

/*
 * The test picture. It is made of a few *base rows* that are computed once (colour bars, ramps,
 * black, white), each one period longer than the picture is wide: a row of picture number n is the
 * base row of its band, seen from 2 * (n + y) pixels on, so that drawing costs a memcpy and
 * checking a memcmp. No two neighbouring rows are alike, and none stays as it was in the next
 * picture. Only the rows with cells or digits are put together in a line buffer.
 *
 * Pictures 1/2 period apart differ in their cells and digits alone. All arithmetic is on integers:
 * two builds on two machines draw the same bytes.
 */

#include "pattern.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <font.h>

/* The base rows from the top of the picture down, then those that cells and digits are cut from. */
enum row { ROW_BARS, ROW_GRAY, ROW_RED, ROW_GREEN, ROW_BLUE, ROW_BLACK, ROW_WHITE, ROW_COUNT };

#define CELL_SYNC 0xb2u
#define CELL_COUNT (8 + 64 + 8) /* sync, number, check bits */
#define CELL_BANDS 3
#define MIN_WIDTH (2 * CELL_COUNT)
#define MIN_HEIGHT 12
#define MIN_PERIOD 256 /* pixels: even a picture of one pixel shows 128 different ones */
#define MAX_DIGITS 15  /* of a count of 48 bits */

struct plane {
    uint8_t *base; /* ROW_COUNT rows of base_bytes */
    size_t base_bytes;
    uint32_t rows;
    size_t row_bytes;
    uint32_t group_bytes;
    uint32_t log2_w;
    uint32_t log2_h;
    uint8_t *cells; /* the row of cells of picture cells_number */
    uint8_t *line;
};

/* Where the digits of a picture stand, in pixels; count is 0 if it is too small for them. */
struct digits {
    uint8_t glyph[MAX_DIGITS];
    uint32_t count;
    uint32_t scale;
    uint32_t x;
    uint32_t y;
};

struct pattern {
    uint32_t width;
    uint32_t height;
    const struct fr_format_info *info;
    struct fr_color color;
    uint32_t period;      /* pixels, even */
    uint32_t cell_height; /* even; 0 if the picture is too small for cells */
    uint32_t band_y[CELL_BANDS];
    uint64_t cells_number;
    struct digits digits;
    struct plane plane[FR_MAX_PLANES];
};

/* A colour of 16 bits for each part. */
struct rgb {
    uint32_t part[3];
};

/* Colour bars whose brightness falls to the half along each bar, so that every shift shows. */
static struct rgb bars_at(uint32_t x, uint32_t period)
{
    static const uint8_t bar[8] = { 7, 6, 3, 2, 5, 4, 1, 0 }; /* bits red, green, blue: 4, 2, 1 */
    uint64_t at = (uint64_t)x * 8;
    uint32_t index = (uint32_t)(at / period);
    uint32_t fall = (uint32_t)((at % period) * 32768 / period);
    struct rgb color;
    for (uint32_t i = 0; i < 3; i++)
        color.part[i] = (bar[index] & (4u >> i)) ? 65535 - fall : fall / 4;
    return color;
}

static struct rgb color_at(enum row row, uint32_t x, uint32_t period)
{
    static const uint8_t parts[ROW_COUNT] = {
        [ROW_GRAY] = 7, [ROW_RED] = 4, [ROW_GREEN] = 2, [ROW_BLUE] = 1, [ROW_WHITE] = 7,
    };
    if (row == ROW_BARS)
        return bars_at(x, period);
    uint32_t level = row == ROW_WHITE ? 65535 : (uint32_t)((uint64_t)x * 65535 / (period - 1));
    struct rgb color;
    for (uint32_t i = 0; i < 3; i++)
        color.part[i] = (parts[row] & (4u >> i)) ? level : 0;
    return color;
}

/* Part 0, 1 or 2 (Y, Cb, Cr) of a colour, in limited range, as a sample of that many bits. */
static uint16_t yuv_sample(const struct rgb *color, uint32_t part, int is_709, int bits)
{
    const int64_t whole = 10000;
    const int64_t red = is_709 ? 2126 : 2990;
    const int64_t blue = is_709 ? 722 : 1140;
    const int64_t one = INT64_C(1) << (bits - 8);
    int64_t luma =
        red * color->part[0] + (whole - red - blue) * color->part[1] + blue * color->part[2];
    if (part == 0) {
        int64_t scale = whole * 65535;
        return (uint16_t)(16 * one + (219 * one * luma + scale / 2) / scale);
    }
    int64_t own = part == 1 ? blue : red;
    int64_t difference = whole * color->part[part == 1 ? 2 : 0] - luma;
    int64_t scale = 2 * (whole - own) * 65535;
    /* The offset goes in before the division, which therefore never sees a negative number. */
    return (uint16_t)((128 * one * scale + 224 * one * difference + scale / 2) / scale);
}

static uint16_t rgb_sample(uint32_t part, int bits)
{
    uint32_t max = (1u << bits) - 1;
    return (uint16_t)(((uint64_t)part * max + 32767) / 65535);
}

/* The half-precision float nearest below part / 65536, and exactly 1 for the largest part. */
static uint16_t half_sample(uint32_t part)
{
    uint32_t value = part + (part >> 15); /* 0 to 65536 */
    if (value < 4)
        return (uint16_t)(value << 8); /* subnormal: units of 2^-24 */
    uint32_t top = 31 - (uint32_t)__builtin_clz(value);
    uint32_t mantissa = top > 10 ? value >> (top - 10) : value << (10 - top);
    return (uint16_t)(((top - 1) << 10) | (mantissa & 0x3ff));
}

/* Writes one part of all samples of one base row; FFmpeg's description says where they go. */
static void write_part(struct pattern *pattern, const AVPixFmtDescriptor *format, enum row row,
                       int part, uint16_t *samples)
{
    const AVComponentDescriptor *comp = &format->comp[part];
    const struct plane *plane = &pattern->plane[comp->plane];
    int is_rgb = (format->flags & AV_PIX_FMT_FLAG_RGB) != 0;
    int is_alpha = part == 3;
    int is_chroma = !is_rgb && (part == 1 || part == 2);
    uint32_t log2_w = is_chroma ? format->log2_chroma_w : 0;
    /* No format has a plane of groups without bytes. NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
    uint32_t groups = (uint32_t)(plane->base_bytes / plane->group_bytes);
    uint32_t count = groups << plane->log2_w >> log2_w;

    for (uint32_t i = 0; i < count; i++) {
        struct rgb color = color_at(row, (i << log2_w) % pattern->period, pattern->period);
        if (is_alpha)
            samples[i] = (uint16_t)((1u << comp->depth) - 1);
        else if (is_rgb)
            samples[i] = rgb_sample(color.part[part], comp->depth);
        else
            samples[i] =
                yuv_sample(&color, (uint32_t)part, pattern->color.matrix == 1, comp->depth);
    }
    uint8_t *data[4] = { NULL };
    const int linesize[4] = { 0 };
    data[comp->plane] = plane->base + (size_t)row * plane->base_bytes;
    av_write_image_line2(samples, data, linesize, format, 0, 0, part, (int)count, sizeof *samples);
}

/* Older libavutil does not know this one. */
static void write_float_row(struct pattern *pattern, enum row row)
{
    const struct plane *plane = &pattern->plane[0];
    uint8_t *to = plane->base + (size_t)row * plane->base_bytes;
    uint32_t count = (uint32_t)(plane->base_bytes / 8);
    for (uint32_t x = 0; x < count; x++) {
        struct rgb color = color_at(row, x % pattern->period, pattern->period);
        uint16_t pixel[4] = { [3] = half_sample(65535) };
        for (uint32_t part = 0; part < 3; part++)
            pixel[part] = half_sample(color.part[part]);
        memcpy(to + (size_t)x * sizeof pixel, pixel, sizeof pixel);
    }
}

static int plane_init(struct plane *plane, const struct pattern *pattern, uint32_t index)
{
    const struct fr_plane_info *info = &pattern->info->plane[index];
    uint32_t round_w = (1u << info->log2_w) - 1;
    uint32_t round_h = (1u << info->log2_h) - 1;
    plane->group_bytes = info->group_bytes;
    plane->log2_w = info->log2_w;
    plane->log2_h = info->log2_h;
    plane->rows = (pattern->height + round_h) >> info->log2_h;
    plane->row_bytes = (size_t)((pattern->width + round_w) >> info->log2_w) * info->group_bytes;
    plane->base_bytes =
        plane->row_bytes + (size_t)(pattern->period >> info->log2_w) * info->group_bytes;
    plane->base = calloc(ROW_COUNT, plane->base_bytes);
    plane->cells = calloc(1, plane->row_bytes);
    plane->line = calloc(1, plane->row_bytes);
    return plane->base && plane->cells && plane->line ? 0 : FR_ENOMEM;
}

static int write_base(struct pattern *pattern)
{
    for (uint32_t i = 0; i < pattern->info->planes; i++)
        if (plane_init(&pattern->plane[i], pattern, i) < 0)
            return FR_ENOMEM;
    if (pattern->info->format == FR_FORMAT_RGBAF16) {
        for (int row = 0; row < ROW_COUNT; row++)
            write_float_row(pattern, (enum row)row);
        return 0;
    }
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(av_get_pix_fmt(pattern->info->name));
    if (!format)
        return FR_ENOTSUP;
    /* One more than the picture and a period: YUYV rounds up to two pixels. */
    uint16_t *samples = calloc((size_t)pattern->width + pattern->period + 1, sizeof *samples);
    if (!samples)
        return FR_ENOMEM;
    for (int row = 0; row < ROW_COUNT; row++)
        for (int part = 0; part < format->nb_components; part++)
            write_part(pattern, format, (enum row)row, part, samples);
    free(samples);
    return 0;
}

/* CRC-8 with the polynomial x^8 + x^2 + x + 1 over the number, its highest byte first. */
static uint8_t check_bits(uint64_t number)
{
    uint32_t crc = 0xff;
    for (int shift = 56; shift >= 0; shift -= 8) {
        crc ^= (uint32_t)(number >> shift) & 0xff;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x80 ? (crc << 1 ^ 0x07) & 0xff : crc << 1;
    }
    return (uint8_t)crc;
}

/* Copies the pixels from x to end of a base row; both round up to whole sample groups. */
static void paint(const struct plane *plane, enum row row, uint32_t x, uint32_t end, uint8_t *to)
{
    uint32_t round_up = (1u << plane->log2_w) - 1;
    size_t from = (size_t)((x + round_up) >> plane->log2_w) * plane->group_bytes;
    size_t until = (size_t)((end + round_up) >> plane->log2_w) * plane->group_bytes;
    memcpy(to + from, plane->base + (size_t)row * plane->base_bytes + from, until - from);
}

static uint32_t cell_x(const struct pattern *pattern, uint32_t cell)
{
    return (uint32_t)((uint64_t)cell * pattern->width / CELL_COUNT);
}

static void compose_cells(struct pattern *pattern, uint64_t number)
{
    uint32_t check = check_bits(number);
    for (uint32_t cell = 0; cell < CELL_COUNT; cell++) {
        uint32_t bit = CELL_SYNC >> (7 - (cell & 7)) & 1;
        if (cell >= 72)
            bit = check >> (79 - cell) & 1;
        else if (cell >= 8)
            bit = (uint32_t)(number >> (71 - cell)) & 1;
        for (uint32_t i = 0; i < pattern->info->planes; i++)
            paint(&pattern->plane[i], bit ? ROW_WHITE : ROW_BLACK, cell_x(pattern, cell),
                  cell_x(pattern, cell + 1), pattern->plane[i].cells);
    }
    pattern->cells_number = number;
}

/* The digits stand in the middle between the upper two bands of cells. */
static void compose_digits(struct pattern *pattern, uint64_t number)
{
    struct digits digits = { .count = 0 };
    uint64_t count = pattern_number_count(number);
    uint32_t total = 1;
    for (uint64_t rest = count / 10; rest > 0; rest /= 10)
        total++;
    for (uint32_t i = total; i-- > 0; count /= 10)
        digits.glyph[i] = (uint8_t)('0' - ' ' + count % 10);
    uint32_t room = pattern->band_y[1] - pattern->cell_height;
    digits.scale = pattern->height < 135 ? 1 : pattern->height / 135;
    if (digits.scale > pattern->width / (8 * total))
        digits.scale = pattern->width / (8 * total);
    if (digits.scale > 0 && room >= 16 * digits.scale) {
        digits.count = total;
        digits.x = (pattern->width - 8 * total * digits.scale) / 2 & ~1u;
        digits.y = (pattern->cell_height + (room - 16 * digits.scale) / 2) & ~1u;
    }
    pattern->digits = digits;
}

static void compose_number(struct pattern *pattern, uint64_t number)
{
    if (pattern->cell_height == 0)
        return;
    compose_cells(pattern, number);
    compose_digits(pattern, number);
}

/* Puts row y of the digits over the line: a black box, and white runs of glyph bits in it. */
static void paint_digits(const struct digits *digits, const struct plane *plane, uint32_t y,
                         uint8_t *line)
{
    uint32_t scale = digits->scale;
    uint32_t glyph_y = (y - digits->y) / scale;
    paint(plane, ROW_BLACK, digits->x, digits->x + 8 * digits->count * scale, line);
    for (uint32_t i = 0; i < digits->count; i++) {
        uint32_t bits = font_8x16[digits->glyph[i]][glyph_y];
        for (uint32_t bit = 0; bit < 8; bit++) {
            uint32_t x = digits->x + (8 * i + bit) * scale;
            if (bits & (0x80u >> bit))
                paint(plane, ROW_WHITE, x, x + scale, line);
        }
    }
}

static void choose_color(struct pattern *pattern)
{
    uint8_t space = pattern->height >= 720 ? 1 : 6;
    if (!pattern->info->is_yuv) {
        pattern->color = (struct fr_color){ .range = 2, .primaries = 1, .transfer = 13 };
        return;
    }
    /* Chroma is taken at the even pixels, which is what MPEG-2 calls left. */
    int is_subsampled = pattern->info->planes > 1 && pattern->info->plane[1].log2_w > 0;
    pattern->color = (struct fr_color){ .range = 1,
                                        .primaries = space,
                                        .transfer = space,
                                        .matrix = space,
                                        .chroma_location = is_subsampled ? 1 : 0 };
}

/* All rows are even, so that a row of subsampled chroma never belongs half to a band. */
static void place_cells(struct pattern *pattern)
{
    if (pattern->width < MIN_WIDTH || pattern->height < MIN_HEIGHT)
        return;
    uint32_t height = pattern->height / 45 & ~1u;
    if (height < 2)
        height = 2;
    pattern->cell_height = height;
    pattern->band_y[0] = 0;
    pattern->band_y[1] = (pattern->height - height) / 2 & ~1u;
    pattern->band_y[2] = (pattern->height - height) & ~1u;
}

int pattern_create(uint32_t width, uint32_t height, enum fr_format format, struct pattern **out)
{
    *out = NULL;
    const struct fr_format_info *info = fr_format_info(format);
    if (!info)
        return FR_ENOTSUP;
    if (width == 0 || height == 0 || width > FR_MAX_SIDE || height > FR_MAX_SIDE)
        return FR_EINVAL;
    struct pattern *pattern = calloc(1, sizeof *pattern);
    if (!pattern)
        return FR_ENOMEM;
    *pattern = (struct pattern){ .width = width, .height = height, .info = info };
    pattern->period = width < MIN_PERIOD ? MIN_PERIOD : (width + 1) & ~1u;
    choose_color(pattern);
    place_cells(pattern);
    int error = write_base(pattern);
    if (error < 0) {
        pattern_destroy(&pattern);
        return error;
    }
    compose_number(pattern, 0);
    *out = pattern;
    return 0;
}

void pattern_destroy(struct pattern **pattern)
{
    if (!*pattern)
        return;
    for (uint32_t i = 0; i < FR_MAX_PLANES; i++) {
        free((*pattern)->plane[i].base);
        free((*pattern)->plane[i].cells);
        free((*pattern)->plane[i].line);
    }
    free(*pattern);
    *pattern = NULL;
}

int pattern_fits(const struct pattern *pattern, const struct fr_frame *frame)
{
    return frame->format == pattern->info->format && frame->width == pattern->width &&
           frame->height == pattern->height;
}

static int in_cells(const struct pattern *pattern, uint32_t y)
{
    for (uint32_t i = 0; i < CELL_BANDS; i++)
        if (y - pattern->band_y[i] < pattern->cell_height)
            return 1;
    return 0;
}

static enum row band_at(const struct pattern *pattern, uint32_t y)
{
    uint32_t tenth = (uint32_t)((uint64_t)y * 10 / pattern->height);
    return tenth < 6 ? ROW_BARS : (enum row)(ROW_GRAY + (tenth - 6));
}

const uint8_t *pattern_row(struct pattern *pattern, uint64_t number, uint32_t index, uint32_t y)
{
    struct plane *plane = &pattern->plane[index];
    if (pattern->cells_number != number)
        compose_number(pattern, number);
    uint32_t picture_y = y << plane->log2_h;
    if (in_cells(pattern, picture_y))
        return plane->cells;
    uint32_t half = pattern->period / 2;
    uint32_t shift = (uint32_t)((number % half + picture_y) % half) * 2;
    const uint8_t *base = plane->base + band_at(pattern, picture_y) * plane->base_bytes +
                          (size_t)(shift >> plane->log2_w) * plane->group_bytes;
    const struct digits *digits = &pattern->digits;
    if (digits->count == 0 || picture_y - digits->y >= 16 * digits->scale)
        return base;
    memcpy(plane->line, base, plane->row_bytes);
    paint_digits(digits, plane, picture_y, plane->line);
    return plane->line;
}

void pattern_draw(struct pattern *pattern, uint64_t number, struct fr_frame *frame)
{
    for (uint32_t i = 0; i < pattern->info->planes; i++) {
        const struct plane *plane = &pattern->plane[i];
        uint8_t *to = frame->plane[i].data;
        for (uint32_t y = 0; y < plane->rows; y++, to += frame->plane[i].stride)
            memcpy(to, pattern_row(pattern, number, i, y), plane->row_bytes);
    }
    frame->color = pattern->color;
}

/* White if the bytes are nearer to white than to black: a damaged cell may still be read. */
static uint64_t read_cell(const struct plane *plane, const uint8_t *row, uint32_t x)
{
    size_t at = (size_t)(x >> plane->log2_w) * plane->group_bytes;
    const uint8_t *black = plane->base + ROW_BLACK * plane->base_bytes + at;
    const uint8_t *white = plane->base + ROW_WHITE * plane->base_bytes + at;
    int to_black = 0;
    int to_white = 0;
    for (uint32_t i = 0; i < plane->group_bytes; i++) {
        to_black += abs(row[at + i] - black[i]);
        to_white += abs(row[at + i] - white[i]);
    }
    return to_white < to_black;
}

static int read_band(const struct pattern *pattern, const uint8_t *row, uint64_t *number)
{
    uint64_t sync = 0;
    uint64_t value = 0;
    uint64_t check = 0;
    for (uint32_t cell = 0; cell < CELL_COUNT; cell++) {
        uint32_t x = (cell_x(pattern, cell) + cell_x(pattern, cell + 1)) / 2;
        uint64_t *part = cell < 8 ? &sync : cell < 72 ? &value : &check;
        *part = *part << 1 | read_cell(&pattern->plane[0], row, x);
    }
    if (sync != CELL_SYNC || check != check_bits(value))
        return -1;
    *number = value;
    return 0;
}

int pattern_number(struct pattern *pattern, const struct fr_frame *frame, uint64_t *number)
{
    if (pattern->cell_height == 0)
        return -1;
    for (uint32_t i = 0; i < CELL_BANDS; i++) {
        ptrdiff_t y = pattern->band_y[i] + pattern->cell_height / 2;
        const uint8_t *row = frame->plane[0].data + y * frame->plane[0].stride;
        if (read_band(pattern, row, number) == 0)
            return 0;
    }
    return -1;
}

int pattern_check(struct pattern *pattern, uint64_t number, const struct fr_frame *frame,
                  uint32_t *plane_out, uint32_t *x, uint32_t *y)
{
    for (uint32_t i = 0; i < pattern->info->planes; i++) {
        const struct plane *plane = &pattern->plane[i];
        const uint8_t *is = frame->plane[i].data;
        for (uint32_t row = 0; row < plane->rows; row++, is += frame->plane[i].stride) {
            const uint8_t *should = pattern_row(pattern, number, i, row);
            if (memcmp(is, should, plane->row_bytes) == 0)
                continue;
            size_t at = 0;
            while (is[at] == should[at])
                at++;
            *plane_out = i;
            *x = (uint32_t)(at / plane->group_bytes);
            *y = row;
            return -1;
        }
    }
    return 0;
}
