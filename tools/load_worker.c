/* SPDX-License-Identifier: MIT */

/* See load.h: what a writer and a reader do until they are told to stop, or killed. */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>

#include "../demo-capture/pace.h"
#include "command.h"
#include "load.h"
#include "stop.h"
#include "transfer.h"

#define OPEN_NS FR_S(10)

static void add(_Atomic uint64_t *counter, uint64_t count)
{
    atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

/* The pictures at both sizes, the second of which is half of the first; it is missing with one. */
struct deck {
    struct card *card[2];
    const struct card *last; /* of the frame before */
};

static uint32_t side(uint32_t whole, int is_half)
{
    return is_half ? (whole + 1) / 2 : whole;
}

static int deck_create(const struct load_opts *opts, struct deck *deck)
{
    int error = 0;
    *deck = (struct deck){ 0 };
    for (int i = 0; i < 2 && error == 0 && (i == 0 || opts->resize_ns > 0); i++)
        error = card_create(opts->pattern, side(opts->width, i), side(opts->height, i),
                            opts->format, &deck->card[i]);
    return error;
}

static void deck_destroy(struct deck *deck)
{
    card_destroy(&deck->card[0]);
    card_destroy(&deck->card[1]);
}

/* Counts a frame whose card is another one than that of the frame before. */
static void count_size(struct load_counts *counts, struct deck *deck, const struct card *card)
{
    add(&counts->resizes, deck->last && card != deck->last);
    deck->last = card;
}

static int fail(const struct load_opts *opts, const char *who, int error)
{
    command_error("a %s of \"%s\" failed: %s", who, opts->outlet.name, fr_error_detail(error));
    return COMMAND_FAILED;
}

/* Counts an interval between publications; previous_ns is 0 for the first. */
static void count_interval(struct load_counts *counts, int64_t *previous_ns)
{
    int64_t now_ns = fr_now_ns();
    double interval_ns = (double)(now_ns - *previous_ns);
    if (*previous_ns > 0) {
        counts->interval_sum_ns += interval_ns;
        counts->interval_square_sum += interval_ns * interval_ns;
        histogram_add(&counts->times, now_ns - *previous_ns);
    }
    *previous_ns = now_ns;
}

/* Waits for a slot. 0; FR_ETIMEDOUT: none, and the picture is left out or the user wants to end. */
static int acquire(const struct load_opts *opts, struct fr_writer *writer, int is_half,
                   struct fr_frame **frame)
{
    int error;
    do
        error = fr_frame_acquire(writer, side(opts->width, is_half), side(opts->height, is_half),
                                 opts->format, FR_MS(STOP_SLICE_MS), frame);
    while (error == FR_ETIMEDOUT && opts->outlet.policy != FR_DROP_NEWEST && !stop_asked);
    return error;
}

/* A picture takes its number even if it is left out: then its number is missing, as it is. */
static int write_frame(const struct load_opts *opts, struct load_counts *counts,
                       struct fr_writer *writer, struct deck *deck, uint32_t id)
{
    struct fr_frame *frame;
    uint64_t count = atomic_fetch_add_explicit(&counts->number, 1, memory_order_relaxed);
    int is_half = opts->resize_ns > 0 && fr_now_ns() / opts->resize_ns % 2 != 0;
    int error = acquire(opts, writer, is_half, &frame);
    if (error < 0) {
        add(&counts->full, error == FR_ETIMEDOUT);
        return error == FR_ETIMEDOUT ? 0 : error;
    }
    card_draw(deck->card[is_half], card_number(id, count), frame);
    frame->frame_rate = opts->rate;
    if (opts->rate.num > 0) {
        frame->time_base = (struct fr_rational){ opts->rate.den, opts->rate.num };
        frame->pts = (int64_t)count;
        frame->duration = 1;
    }
    uint64_t bytes = transfer_frame_bytes(frame);
    error = fr_frame_publish(&frame);
    if (error < 0)
        return error;
    count_size(counts, deck, deck->card[is_half]);
    add(&counts->bytes, bytes);
    add(&counts->frames, 1);
    return 0;
}

static int write_frames(const struct load_opts *opts, struct load_counts *counts,
                        struct fr_writer *writer, struct deck *deck, uint32_t id)
{
    struct pace pace;
    int64_t previous_ns = 0;
    uint64_t late = 0;
    int error = 0;
    pace_start(&pace, opts->rate);
    while (error == 0 && !stop_asked) {
        if (opts->frames > 0 && atomic_load(&counts->frames) >= opts->frames)
            break;
        pace_wait(&pace, &stop_asked);
        add(&counts->late, pace.late - late);
        late = pace.late;
        if (stop_asked)
            break;
        uint64_t before = atomic_load(&counts->frames);
        error = write_frame(opts, counts, writer, deck, id);
        if (atomic_load(&counts->frames) > before)
            count_interval(counts, &previous_ns);
    }
    return error;
}

int load_write(const struct load *load, uint32_t id)
{
    const struct load_opts *opts = &load->opts;
    struct fr_writer *writer = NULL;
    struct deck deck;
    int error = deck_create(opts, &deck);
    if (error == 0)
        error = fr_writer_open(opts->outlet.name, OPEN_NS, &writer);
    if (error == 0)
        error = write_frames(opts, &load->counts[id], writer, &deck, id);
    fr_writer_close(&writer);
    deck_destroy(&deck);
    return error < 0 ? fail(opts, "writer", error) : COMMAND_OK;
}

/* What a reader remembers of each writer: the number of its last frame plus 1, 0 if there was none. */
struct memory {
    uint64_t last[LOAD_MAX_WORKERS];
};

static void check(struct load_counts *counts, struct memory *memory, struct card *card,
                  const struct fr_frame *frame)
{
    uint64_t number;
    if (card_check(card, frame, &number) < 0 || card_writer(number) >= LOAD_MAX_WORKERS) {
        add(&counts->torn, 1);
        command_error("frame %" PRIu64 " is torn", frame->sequence);
        return;
    }
    uint64_t *last = &memory->last[card_writer(number)];
    uint64_t count = card_count(number) + 1;
    if (count <= *last) {
        add(&counts->disordered, 1);
        command_error("frame %" PRIu64 " is picture %" PRIu64 " of writer %" PRIu32
                      ", which had shown %" PRIu64,
                      frame->sequence, count - 1, card_writer(number), *last - 1);
        return;
    }
    add(&counts->unseen, *last > 0 ? count - *last - 1 : 0);
    *last = count;
}

static void count_frame(struct load_counts *counts, const struct fr_frame *frame)
{
    histogram_add(&counts->times, fr_now_ns() - frame->publish_ns);
    add(&counts->skipped, frame->loss.skipped);
    add(&counts->overwritten, frame->loss.overwritten);
    add(&counts->dropped, frame->loss.dropped);
    add(&counts->frames, 1);
}

static int read_frames(const struct load_opts *opts, struct load_counts *counts,
                       struct fr_reader *reader, struct deck *deck, int64_t hold_ns)
{
    struct memory memory = { { 0 } };
    const struct fr_frame *frame;
    while (!stop_asked) {
        int error = fr_frame_wait(reader, FR_NEXT, FR_MS(STOP_SLICE_MS), &frame);
        if (error == FR_ETIMEDOUT)
            continue;
        if (error < 0)
            return error == FR_ECLOSED || error == FR_EOWNERDEAD ? 0 : error;
        int is_half =
            deck->card[1] && (frame->width != opts->width || frame->height != opts->height);
        count_frame(counts, frame);
        count_size(counts, deck, deck->card[is_half]);
        if (opts->must_verify)
            check(counts, &memory, deck->card[is_half], frame);
        if (hold_ns > 0)
            stop_sleep_until(fr_now_ns() + hold_ns);
        fr_frame_release(&frame);
    }
    return 0;
}

int load_read(const struct load *load, uint32_t id)
{
    const struct load_opts *opts = &load->opts;
    struct fr_reader *reader = NULL;
    struct deck deck;
    int64_t hold_ns = id + 1 == opts->readers ? opts->slow_ns : 0;
    int error = deck_create(opts, &deck);
    if (error == 0)
        error = fr_reader_open(opts->outlet.name, NULL, OPEN_NS, &reader);
    if (error == 0)
        error = read_frames(opts, &load->counts[opts->writers + id], reader, &deck, hold_ns);
    fr_reader_close(&reader);
    deck_destroy(&deck);
    return error < 0 ? fail(opts, "reader", error) : COMMAND_OK;
}
