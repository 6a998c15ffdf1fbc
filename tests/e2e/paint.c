/* SPDX-License-Identifier: MIT */
/*
 * Publishes pictures that a test tells it to paint, with or without saying what has changed: reads
 * lines from standard input.
 *
 * usage: paint NAME WIDTH HEIGHT
 *
 *   paint X Y W H RRGGBB     a rectangle, and tells readers of it
 *   secret X Y W H RRGGBB    a rectangle, and tells nobody
 *   size W H                 another size, all black
 *   cursor X Y W H RRGGBB    the mouse cursor: a rectangle of that colour, its hot spot at X, Y
 *   publish                  a frame with all that
 *   repeat                   a frame that says it is the one before once more
 *   quit
 *
 * It answers each publish and repeat when it is done. SIGTERM ends it in order, as the end of its
 * input does.
 */
#define _GNU_SOURCE

#include <framering/meta.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WIDTH 1920
#define MAX_HEIGHT 1080
#define MAX_CURSOR 16

static uint32_t picture[MAX_WIDTH * MAX_HEIGHT];
static uint32_t width;
static uint32_t height;
static struct fr_rect damage[FR_MAX_DAMAGE];
static size_t damages;
static struct {
    struct fr_cursor head;
    uint32_t pixels[MAX_CURSOR * MAX_CURSOR];
} cursor;

/* Whoever reads then, or is about to, has come to the end. */
static void close_input(int signal)
{
    (void)signal;
    close(STDIN_FILENO);
}

static void fill(const struct fr_rect *rect, uint32_t color)
{
    for (uint32_t y = 0; y < rect->height; y++)
        for (uint32_t x = 0; x < rect->width; x++)
            picture[((uint32_t)rect->y + y) * width + (uint32_t)rect->x + x] = color;
}

static int is_inside(const struct fr_rect *rect)
{
    return rect->x >= 0 && rect->y >= 0 && (uint32_t)rect->x + rect->width <= width &&
           (uint32_t)rect->y + rect->height <= height;
}

static int set_size(uint32_t wide, uint32_t high)
{
    if (wide == 0 || high == 0 || wide > MAX_WIDTH || high > MAX_HEIGHT)
        return -1;
    width = wide;
    height = high;
    memset(picture, 0, sizeof picture);
    return 0;
}

static int set_cursor(const struct fr_rect *rect, uint32_t color)
{
    if (rect->width > MAX_CURSOR || rect->height > MAX_CURSOR)
        return -1;
    cursor.head.x = rect->x;
    cursor.head.y = rect->y;
    cursor.head.width = rect->width;
    cursor.head.height = rect->height;
    cursor.head.serial++;
    for (uint32_t i = 0; i < rect->width * rect->height; i++)
        cursor.pixels[i] = 0xff000000u | color;
    return 0;
}

static int publish(struct fr_writer *writer, uint32_t flags)
{
    struct fr_frame *frame;
    if (fr_frame_acquire(writer, width, height, FR_FORMAT_BGRX, FR_S(5), &frame) < 0)
        return -1;
    const void *data[FR_MAX_PLANES] = { picture };
    const ptrdiff_t stride[FR_MAX_PLANES] = { (ptrdiff_t)width * 4 };
    fr_frame_write(frame, data, stride);
    if (fr_frame_set_damage(frame, damage, damages) < 0)
        return -1;
    frame->flags = flags;
    size_t pixels = (size_t)cursor.head.width * cursor.head.height;
    if (fr_frame_set_meta(frame, FR_META_CURSOR, &cursor, sizeof cursor.head + 4 * pixels) < 0)
        return -1;
    damages = 0;
    if (fr_frame_publish(&frame) < 0)
        return -1;
    puts("published");
    return fflush(stdout);
}

static int obey(struct fr_writer *writer, const char *line)
{
    struct fr_rect rect = { 0 };
    char word[16];
    uint32_t color = 0;
    /* Numbers of tests always fit. NOLINTNEXTLINE(cert-err34-c) */
    int read = sscanf(line, "%15s %" SCNd32 " %" SCNd32 " %" SCNu32 " %" SCNu32 " %" SCNx32, word,
                      &rect.x, &rect.y, &rect.width, &rect.height, &color);
    if (read == 1 && strcmp(word, "publish") == 0)
        return publish(writer, 0);
    if (read == 1 && strcmp(word, "repeat") == 0)
        return publish(writer, FR_FRAME_REPEAT);
    if (read == 3 && strcmp(word, "size") == 0)
        return set_size((uint32_t)rect.x, (uint32_t)rect.y);
    if (read == 6 && strcmp(word, "cursor") == 0)
        return set_cursor(&rect, color);
    int is_told = read == 6 && strcmp(word, "paint") == 0;
    if ((!is_told && (read != 6 || strcmp(word, "secret") != 0)) || !is_inside(&rect))
        return -1;
    fill(&rect, color);
    if (is_told && damages < FR_MAX_DAMAGE)
        damage[damages++] = rect;
    return 0;
}

int main(int argc, char **argv)
{
    struct fr_writer *writer;
    char line[128];
    if (argc != 4 ||
        set_size((uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10)) < 0) {
        fprintf(stderr, "usage: paint NAME WIDTH HEIGHT\n");
        return 2;
    }
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = close_input }, NULL);
    uint64_t slot_size = fr_frame_size(MAX_WIDTH, MAX_HEIGHT, FR_FORMAT_BGRX);
    int error = fr_writer_create(argv[1],
                                 &fr_writer_opts(.slot_size = slot_size, .slots = 4, .observers = 1,
                                                 .overflow = FR_DROP_OLDEST),
                                 &writer);
    if (error < 0) {
        fprintf(stderr, "e2e_paint: %s\n", fr_error_detail(error));
        return 1;
    }
    int result = 0;
    while (result == 0 && fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0)
        result = obey(writer, line);
    fr_writer_close(&writer);
    if (result < 0)
        fprintf(stderr, "paint: cannot do: %s", line);
    return result < 0;
}
