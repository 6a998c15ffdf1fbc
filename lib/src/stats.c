/* SPDX-License-Identifier: MIT */
/* Floor 4: the counters of a handle: its own, and those that all can see, tally.h. */
#include <string.h>

#include "opts.h"
#include "ring.h"

FR_API int64_t fr_now_ns(void)
{
    return fri_clock_now();
}

/* ---- Counting ---------------------------------------------------------------------------- */

void fri_tally_begin(struct fri_tally *tally)
{
    char program[sizeof tally->program] = "";
    uint64_t words[2];
    fri_word *word = tally->program;

    for (size_t i = 0; i < sizeof *tally / sizeof *word; i++)
        word_poke(&word[i], 0);
    fri_program(program);
    memcpy(words, program, sizeof words);
    word_poke(&tally->program[0], words[0]);
    word_poke(&tally->program[1], words[1]);
}

void fri_tally_joined(struct fri_tally *tally)
{
    word_store(&tally->joined_ns, (uint64_t)fri_clock_now());
}

void fri_tally_copy_bins(const fri_word bins[FRI_BINS], struct fr_histogram *out)
{
    for (unsigned i = 0; i < FRI_BINS; i++)
        out->bin[i] = word_peek(&bins[i]);
}

void fri_count_wait(struct fr_stats *stats, struct fri_tally *tally, const struct fri_wait *wait,
                    int error)
{
    stats->waits += wait->sleeps;
    stats->waited_ns += (uint64_t)wait->slept_ns;
    tally_add(&tally->waits, wait->sleeps);
    tally_add(&tally->waited_ns, (uint64_t)wait->slept_ns);
    if (error != FR_ETIMEDOUT)
        return;
    stats->timeouts++;
    tally_add(&tally->timeouts, 1);
}

/* ---- Telling ----------------------------------------------------------------------------- */

static void give(const struct fri_seat *seat, struct fr_stats *now, struct fr_stats *stats)
{
    now->recovered += word_peek(&seat->recovered);
    /* The memory of a ring is not there in a child. */
    if (!fri_object_is_inherited(&seat->object)) {
        fri_tally_copy_bins(seat->tally->latency, &now->latency);
        fri_tally_copy_bins(seat->tally->hold, &now->hold);
    }
    fri_opts_give(stats, stats->size, now, sizeof *now);
}

FR_API void fr_writer_stats(const struct fr_writer *writer, struct fr_stats *stats)
{
    const struct fri_seat *seat = writer->seat;
    struct fr_stats now = writer->stats;

    for (uint32_t i = 0; i < seat->slots; i++) {
        now.published += word_peek(&seat->loans[i].published);
        now.aborted += word_peek(&seat->loans[i].aborted);
    }
    give(seat, &now, stats);
}

FR_API void fr_reader_stats(const struct fr_reader *reader, struct fr_stats *stats)
{
    struct fr_stats now = reader->stats;

    give(reader->seat, &now, stats);
}

/* ---- Histograms -------------------------------------------------------------------------- */

static double lowest_of(unsigned bin)
{
    return bin == 0 ? 0 : (double)(UINT64_C(1) << bin);
}

FR_API int64_t fr_histogram_quantile(const struct fr_histogram *histogram, double share)
{
    double count = 0;

    for (unsigned i = 0; i < FR_HISTOGRAM_BINS; i++)
        count += (double)histogram->bin[i];
    /* Also what is no number becomes 0. */
    double rank = share > 0 ? count * (share < 1 ? share : 1) : 0;
    for (unsigned i = 0; i < FR_HISTOGRAM_BINS; i++) {
        double here = (double)histogram->bin[i];
        double low = lowest_of(i);

        if (here > 0 && rank <= here)
            return (int64_t)(low + (lowest_of(i + 1) - low) * (rank / here));
        rank -= here;
    }
    return 0;
}
