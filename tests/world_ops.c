/* SPDX-License-Identifier: MIT */
/* The operations in whose middle the victims of the crash tests are killed: see world.h. */
#define _GNU_SOURCE
#include "world_ops.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "point.h"
#include "ring.h"
#include "world.h"

#define ALL_MODES 0x3fu
#define BROADCAST 0x07u
#define DROP_OLDEST 0x12u
#define BROADCAST_DROP_OLDEST 0x02u
#define ONE_MODE 0x01u /* for what does not depend on it */

static struct fr_writer *writer;
static struct fr_reader *reader;
static struct fr_region *region;
static struct fr_region *other_region;
void (*world_at_point)(const char *name);
int64_t world_patience_ns = FR_S(5);
bool world_may_time_out;

/* ---- Preparing ---------------------------------------------------------------------------- */

static bool nothing(void)
{
    return true;
}

static bool open_writer(void)
{
    return fr_writer_open(world_name, FR_NOWAIT, &writer) == 0;
}

static bool open_reader(void)
{
    return fr_reader_open(world_name, NULL, FR_NOWAIT, &reader) == 0;
}

static bool open_both_and_hold(void)
{
    const struct fr_slot *item;
    struct fr_slot *slot;

    if (!open_writer() || !open_reader())
        return false;
    /* Which of these succeed depends on the mode; holding something is the point. */
    (void)!fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &item);
    (void)!fr_writer_acquire(writer, FR_NOWAIT, &slot);
    return true;
}

static bool create_ring(void)
{
    const struct fr_writer_opts opts = world_ring_opts();

    return fr_writer_create(world_name, &opts, &writer) == 0;
}

static bool fill_ring(void)
{
    for (uint64_t i = 1; i <= WORLD_SLOTS; i++) {
        if (!writer && !open_writer())
            return false;
        if (world_write(writer, WRITER_VICTIM, i, FR_NOWAIT) < 0)
            return false;
    }
    return true;
}

/* A sleeper leaves its mark in the event word, so the next one who publishes has to wake. */
static bool open_both_and_sleep(void)
{
    const struct fr_slot *slot;
    int error = open_writer() && open_reader() ? 0 : FR_EBUSY;

    while (error == 0) {
        error = fr_reader_acquire(reader, FR_NEXT, FR_US(100), &slot);
        if (error == 0)
            fr_reader_release(&slot);
    }
    return error == FR_ETIMEDOUT;
}

/* Between a reader's look at a slot and its pin, the writer comes round and takes the slot. */
static void overtake(const char *name)
{
    if (strcmp(name, "looked, not pinned") != 0)
        return;
    world_at_point = NULL;
    for (uint64_t i = 1; i <= 2 * WORLD_SLOTS; i++) {
        if (world_write(writer, WRITER_VICTIM, i, FR_NOWAIT) < 0)
            return;
    }
}

static bool open_both_to_be_overtaken(void)
{
    world_at_point = overtake;
    return open_writer() && open_reader() &&
           world_write(writer, WRITER_VICTIM, 1, FR_NOWAIT) == 0 &&
           world_write(writer, WRITER_VICTIM, 2, FR_NOWAIT) == 0;
}

static bool open_observer(void)
{
    const struct fr_reader_opts opts = fr_reader_opts(.observe = 1);

    return fr_reader_open(world_name, &opts, FR_NOWAIT, &reader) == 0;
}

static bool create_region(void)
{
    return fr_region_create(world_name, WORLD_SIZE, NULL, &region) == 0;
}

static bool open_region(void)
{
    return fr_region_open(world_name, FR_READ_WRITE, FR_NOWAIT, &region) == 0;
}

static bool lock_region_shared(void)
{
    return open_region() && fr_region_lock(region, FR_SHARED, FR_NOWAIT) == 0;
}

static bool lock_region_exclusive(void)
{
    return open_region() && fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT) == 0;
}

int world_die_locking(void)
{
    if (!open_region() || fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT) < 0)
        return 1;
    return kill(getpid(), SIGKILL);
}

static void die_if_claimed(const char *name)
{
    if (strcmp(name, "lock claimed") == 0)
        raise(SIGKILL);
}

static bool bury_child(int (*how)(void), fri_point_fn hook)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        fri_point_hook = hook;
        _exit(how());
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

/* The dead one is not our predecessor at our place, but somebody in our way. */
static bool open_region_and_bury_holder(void)
{
    return open_region() && bury_child(world_die_locking, NULL);
}

/* Between a reader's entering and its look at the writer, a writer claims the lock. */
static void be_claimed(const char *name)
{
    if (strcmp(name, "reader entered") != 0)
        return;
    world_at_point = NULL;
    (void)bury_child(world_die_locking, die_if_claimed);
}

static bool open_region_to_be_claimed(void)
{
    world_at_point = be_claimed;
    return open_region();
}

/* Another handle of the same process is in the way. */
static bool open_region_locked(enum fr_lock kind)
{
    return open_region() &&
           fr_region_open(world_name, FR_READ_WRITE, FR_NOWAIT, &other_region) == 0 &&
           fr_region_lock(other_region, kind, FR_NOWAIT) == 0;
}

static bool open_region_locked_shared(void)
{
    return open_region_locked(FR_SHARED);
}

static bool open_region_locked_exclusive(void)
{
    return open_region_locked(FR_EXCLUSIVE);
}

/* ---- Running ------------------------------------------------------------------------------ */

/*
 * Finding nothing to do is no failure: the world may be full, or empty. Whether the object may be
 * gone depends on who else is there, so the caller judges that.
 */
static int status_of(int error)
{
    if (error == FR_ECLOSED || error == FR_ENOENT || (error == FR_EOWNERDEAD && !region))
        return WORLD_GONE;
    return error == 0 || error == FR_ETIMEDOUT ? 0 : 10;
}

static int publish(void)
{
    return status_of(world_write(writer, WRITER_VICTIM, 1, FR_NOWAIT));
}

static int abort_slot(void)
{
    struct fr_slot *slot;
    int error = fr_writer_acquire(writer, FR_NOWAIT, &slot);

    if (error == 0)
        memset(slot->data, 0xee, WORLD_SIZE);
    if (error == 0)
        fr_writer_abort(&slot);
    return status_of(error);
}

static int read_which(enum fr_which which)
{
    const struct fr_slot *slot;
    int error = fr_reader_acquire(reader, which, FR_NOWAIT, &slot);

    if (error == 0 && !world_item_is_whole(slot))
        return 11;
    if (error == 0)
        fr_reader_release(&slot);
    return status_of(error);
}

static int read_next(void)
{
    return read_which(FR_NEXT);
}

static int read_latest(void)
{
    return read_which(FR_LATEST);
}

static int attach_writer(void)
{
    int error = fr_writer_open(world_name, FR_NOWAIT, &writer);

    return error == FR_ETIMEDOUT ? 12 : status_of(error);
}

static int attach_reader(void)
{
    int error = fr_reader_open(world_name, NULL, FR_NOWAIT, &reader);

    return error == FR_ETIMEDOUT ? 13 : status_of(error);
}

static int close_both(void)
{
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    return 0;
}

static int recover(void)
{
    fri_seat_recover(writer->seat);
    return 0;
}

static int wait_in_vain(void)
{
    const struct fr_slot *slot;
    int error = fr_reader_acquire(reader, FR_NEXT, FR_US(100), &slot);

    if (error == 0)
        fr_reader_release(&slot);
    return status_of(error);
}

static int create(void)
{
    const struct fr_writer_opts opts = world_ring_opts();
    int error = fr_writer_create(world_name, &opts, &writer);

    /* Frozen until the survivor had taken the name over: then it is in use. */
    return error == FR_EEXIST ? 0 : status_of(error);
}

static int lock_shared(void)
{
    int error = fr_region_lock(region, FR_SHARED, FR_NOWAIT);

    return status_of(error == FR_EOWNERDEAD ? 0 : error);
}

static int lock_exclusive(void)
{
    int error = fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT);

    return status_of(error == FR_EOWNERDEAD ? 0 : error);
}

static int attach_region(void)
{
    int error = fr_region_open(world_name, FR_READ_WRITE, FR_NOWAIT, &region);

    return error == FR_ETIMEDOUT ? 14 : status_of(error);
}

static int close_region(void)
{
    fr_region_close(&region);
    return 0;
}

/* The dead holder is found when the first slice of the wait is over. */
static int lock_patiently(enum fr_lock kind)
{
    int error = fr_region_lock(region, kind, world_patience_ns);

    if (error == FR_ETIMEDOUT && !world_may_time_out)
        return 15;
    return status_of(error == FR_EOWNERDEAD ? 0 : error);
}

static int lock_of_the_dead_shared(void)
{
    return lock_patiently(FR_SHARED);
}

static int lock_of_the_dead_exclusive(void)
{
    return lock_patiently(FR_EXCLUSIVE);
}

static int unlock(void)
{
    return status_of(fr_region_unlock(region));
}

const struct world_op world_ops[] = {
    { .name = "publish", .modes = ALL_MODES, .prepare = open_writer, .run = publish },
    { .name = "abort", .modes = ALL_MODES, .prepare = open_writer, .run = abort_slot },
    { .name = "next", .modes = ALL_MODES, .prepare = open_reader, .run = read_next },
    { .name = "latest", .modes = BROADCAST, .prepare = open_reader, .run = read_latest },
    { .name = "observe next",
      .modes = BROADCAST,
      .prepare = open_observer,
      .run = read_next,
      .needs_observers = true },
    { .name = "observe latest",
      .modes = BROADCAST,
      .prepare = open_observer,
      .run = read_latest,
      .needs_observers = true },
    { .name = "publish to observers",
      .modes = BROADCAST,
      .prepare = open_writer,
      .run = publish,
      .needs_observers = true },
    { .name = "attach writer", .modes = ALL_MODES, .prepare = nothing, .run = attach_writer },
    { .name = "attach reader", .modes = ALL_MODES, .prepare = nothing, .run = attach_reader },
    { .name = "attach to a dead place",
      .modes = ALL_MODES,
      .prepare = nothing,
      .run = attach_reader,
      .needs_dead_member = true },
    { .name = "publish to a sleeper",
      .modes = ALL_MODES,
      .prepare = open_both_and_sleep,
      .run = publish },
    { .name = "publish to a full ring",
      .modes = DROP_OLDEST,
      .prepare = fill_ring,
      .run = publish },
    { .name = "wait in vain",
      .modes = ALL_MODES,
      .prepare = open_both_and_sleep,
      .run = wait_in_vain },
    { .name = "pin too late",
      .modes = BROADCAST_DROP_OLDEST,
      .prepare = open_both_to_be_overtaken,
      .run = read_next },
    { .name = "detach", .modes = ALL_MODES, .prepare = open_both_and_sleep, .run = close_both },
    { .name = "die holding", .modes = ALL_MODES, .prepare = open_both_and_hold, .run = close_both },
    { .name = "close the only writer",
      .modes = ALL_MODES,
      .prepare = create_ring,
      .run = close_both,
      .needs_no_object = true },
    { .name = "recover",
      .modes = ALL_MODES,
      .prepare = open_writer,
      .run = recover,
      .needs_dead_member = true },
    { .name = "create over a dead owner",
      .modes = ONE_MODE,
      .prepare = nothing,
      .run = create,
      .needs_dead_owner = true },
    { .name = "attach to a region",
      .modes = ONE_MODE,
      .prepare = nothing,
      .run = attach_region,
      .needs_region = true },
    { .name = "close a region",
      .modes = ONE_MODE,
      .prepare = create_region,
      .run = close_region,
      .needs_region = true,
      .needs_no_object = true },
    { .name = "lock of the dead, shared",
      .modes = ONE_MODE,
      .prepare = open_region,
      .run = lock_of_the_dead_shared,
      .needs_region = true,
      .needs_dead_locker = true },
    { .name = "lock of the dead, excl.",
      .modes = ONE_MODE,
      .prepare = open_region,
      .run = lock_of_the_dead_exclusive,
      .needs_region = true,
      .needs_dead_locker = true },
    { .name = "lock held by the dead",
      .modes = ONE_MODE,
      .prepare = open_region_and_bury_holder,
      .run = lock_of_the_dead_exclusive,
      .needs_region = true },
    { .name = "shared, claimed meanwhile",
      .modes = ONE_MODE,
      .prepare = open_region_to_be_claimed,
      .run = lock_shared,
      .needs_region = true },
    { .name = "attach after a dead one",
      .modes = ONE_MODE,
      .prepare = nothing,
      .run = attach_region,
      .needs_region = true,
      .needs_dead_locker = true },
    { .name = "shared against exclusive",
      .modes = ONE_MODE,
      .prepare = open_region_locked_exclusive,
      .run = lock_shared,
      .needs_region = true },
    { .name = "exclusive against shared",
      .modes = ONE_MODE,
      .prepare = open_region_locked_shared,
      .run = lock_exclusive,
      .needs_region = true },
    { .name = "lock shared",
      .modes = ONE_MODE,
      .prepare = open_region,
      .run = lock_shared,
      .needs_region = true },
    { .name = "lock exclusive",
      .modes = ONE_MODE,
      .prepare = open_region,
      .run = lock_exclusive,
      .needs_region = true },
    { .name = "unlock shared",
      .modes = ONE_MODE,
      .prepare = lock_region_shared,
      .run = unlock,
      .needs_region = true },
    { .name = "unlock exclusive",
      .modes = ONE_MODE,
      .prepare = lock_region_exclusive,
      .run = unlock,
      .needs_region = true },
};

const unsigned world_op_count = sizeof world_ops / sizeof world_ops[0];
