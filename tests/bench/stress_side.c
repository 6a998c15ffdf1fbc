/* SPDX-License-Identifier: MIT */
/* The writer and the readers of part 7: see stress_side.h. */
#define _GNU_SOURCE
#include "stress_side.h"

#include <errno.h>
#include <framering/framering.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "work.h"

#define FRAMES_OF_A_LIFE 5
#define SLOW_PERIODS 5

static size_t picture_size(const struct stress *stress)
{
    return (size_t)4 * stress->width * stress->height;
}

static int64_t period_ns(const struct stress *stress)
{
    return (int64_t)((double)NS_PER_S / stress->hz);
}

/* The writer ----------------------------------------------------------------------------------- */

static void note_stall(const struct side *side, struct stress *stress, int64_t begin_ns)
{
    const int64_t took_ns = clock_now_ns() - begin_ns;

    if (side->phase == PHASE_RUN && took_ns > stress->writer.longest_stall_ns)
        stress->writer.longest_stall_ns = took_ns;
}

static int write_frame(struct side *side, struct stress *stress, struct fr_writer *writer,
                       uint64_t sequence)
{
    struct fr_frame *frame;
    int64_t begin_ns = clock_now_ns();
    const int error =
        fr_frame_acquire(writer, stress->width, stress->height, FR_FORMAT_BGRA, FR_FOREVER, &frame);

    if (error < 0)
        return side_fail(side, error, "acquire");
    note_stall(side, stress, begin_ns);
    work_produce(frame->plane[0].data, picture_size(stress), 0, sequence);
    begin_ns = clock_now_ns();
    ((struct work_head *)(void *)frame->plane[0].data)->stamp_ns = begin_ns;
    if (fr_frame_publish(&frame) < 0)
        return side_fail(side, -EIO, "publish");
    note_stall(side, stress, begin_ns);
    side_count(side);
    return 0;
}

static int write_paced(struct side *side, struct stress *stress, struct fr_writer *writer)
{
    const int64_t period = period_ns(stress);
    int64_t due_ns = clock_now_ns();

    for (uint64_t sequence = 1; side_look(side) != PHASE_STOP; sequence++) {
        const int64_t now_ns = clock_now_ns();

        due_ns += period;
        if (side->phase == PHASE_RUN) {
            stress->writer.deadlines++;
            stress->writer.late += now_ns > due_ns + period / 2;
        }
        if (now_ns > due_ns + 4 * period) /* no burst follows a long stall */
            due_ns = now_ns;
        clock_sleep_until(due_ns);
        const int error = write_frame(side, stress, writer, sequence);
        if (error < 0)
            return error;
    }
    return 0;
}

int stress_writer(struct side *side, void *user)
{
    struct stress *stress = user;
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = fr_frame_size(stress->width, stress->height, FR_FORMAT_BGRA),
                       .slots = stress->slots, .overflow = FR_DROP_OLDEST);
    struct fr_writer *writer;
    int error = fr_writer_create(stress->name, &opts, &writer);

    if (error < 0)
        return side_fail(side, error, "create");
    side_ready(side);
    error = write_paced(side, stress, writer);
    fr_writer_close(&writer);
    return error;
}

/* The readers ---------------------------------------------------------------------------------- */

static void note_loss(const struct side *side, struct stress_tally *tally,
                      const struct fr_loss *loss)
{
    if (side->phase != PHASE_RUN)
        return;
    tally->measured++;
    if (tally->measured == 1) /* what was lost before it belongs to the warm-up */
        return;
    tally->overwritten += loss->overwritten;
    tally->skipped += loss->skipped;
    tally->dropped += loss->dropped;
}

static void check(const struct side *side, const struct stress *stress, struct stress_tally *tally,
                  const struct fr_frame *frame, int64_t at_ns, uint64_t *last)
{
    const struct work_head *head = (const void *)frame->plane[0].data;
    const uint64_t lost = frame->loss.overwritten + frame->loss.skipped;

    if (side->phase == PHASE_RUN && tally->samples < STRESS_SAMPLES)
        tally->latency_ns[tally->samples++] = at_ns - head->stamp_ns;
    tally->torn += !work_is_whole(head, picture_size(stress));
    note_loss(side, tally, &frame->loss);
    if (*last != 0 && head->sequence <= *last)
        tally->disordered++;
    else if (*last != 0 && head->sequence - *last - 1 != lost)
        tally->unexplained++;
    *last = head->sequence;
}

/* Reads until the end, or for so many frames; then holds the next one and dies. */
static int read_frames(struct side *side, struct stress *stress, struct fr_reader *reader,
                       uint64_t life)
{
    struct stress_tally *tally = &stress->tally[side->index];
    uint64_t last = 0;

    for (uint64_t read = 0;; read++) {
        const struct fr_frame *frame;
        const int error = fr_frame_wait(reader, FR_NEXT, FR_FOREVER, &frame);
        const int64_t at_ns = clock_now_ns();

        if (error < 0)
            return error == FR_ECLOSED ? 0 : error;
        if (read == life)
            kill(getpid(), SIGKILL);
        check(side, stress, tally, frame, at_ns, &last);
        if (stress->kind[side->index] == STRESS_SLOW)
            clock_sleep_until(at_ns + SLOW_PERIODS * period_ns(stress));
        fr_frame_release(&frame);
        side_count(side);
        side_look(side);
    }
}

static int open_and_read(struct side *side, struct stress *stress, bool is_first, uint64_t life)
{
    struct fr_reader *reader;
    int error = fr_reader_open(stress->name, NULL, is_first ? FR_S(20) : FR_NOWAIT, &reader);

    if (error < 0)
        return is_first ? error : 0; /* later, the writer may have closed in the meantime */
    if (is_first)
        side_ready(side);
    error = read_frames(side, stress, reader, life);
    fr_reader_close(&reader);
    return error;
}

/* One life after the other, each in a process of its own. */
static int live_and_die(struct side *side, struct stress *stress)
{
    side_ready(side);
    while (side_look(side) != PHASE_STOP) {
        const pid_t pid = fork();

        if (pid < 0)
            return side_fail(side, -errno, "fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(open_and_read(side, stress, false, FRAMES_OF_A_LIFE) < 0);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || WIFEXITED(status))
            clock_sleep_until(clock_now_ns() + NS_PER_S / 1000);
        else
            stress->tally[side->index].deaths++;
    }
    return 0;
}

int stress_reader(struct side *side, void *user)
{
    struct stress *stress = user;

    if (stress->kind[side->index] == STRESS_DIES)
        return live_and_die(side, stress);
    const int error = open_and_read(side, stress, true, UINT64_MAX);
    return error < 0 ? side_fail(side, error, "read") : 0;
}
