/* SPDX-License-Identifier: MIT */
/* A small world for crash tests: see world.h. */
#define _GNU_SOURCE
#include "world.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "slot.h"
#include "world_ops.h"

const struct world_mode world_modes[WORLD_MODES] = {
    { "broadcast/block", FR_BROADCAST, FR_BLOCK },
    { "broadcast/drop-oldest", FR_BROADCAST, FR_DROP_OLDEST },
    { "broadcast/drop-newest", FR_BROADCAST, FR_DROP_NEWEST },
    { "queue/block", FR_QUEUE, FR_BLOCK },
    { "queue/drop-oldest", FR_QUEUE, FR_DROP_OLDEST },
    { "queue/drop-newest", FR_QUEUE, FR_DROP_NEWEST },
};

/* Longer than any honest recovery takes on a loaded machine; only a failure waits so long. */
#define PATIENCE FR_S(5)

/* One world in so many really waits. */
#define PATIENT_ONE 32

const struct world_start world_usual_start = { .items = 1 };

/* If there is no such name, so much the better. */
static void remove_name(const char *name)
{
    int error = fr_unlink(name);

    (void)error;
}

void world_fail(const struct world *world, const char *format, ...)
{
    va_list arguments;

    printf("FAILED: %s, %s, %s: ", world->mode->name, world->op->name, world->where);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    if (world->again[0])
        printf("again: %s\n", world->again);
    fflush(stdout);
    remove_name(world->name);
    exit(1);
}

void world_stay_here(void)
{
    cpu_set_t here;
    int processor = sched_getcpu();

    if (processor < 0 || processor >= CPU_SETSIZE)
        return;
    CPU_ZERO(&here);
    CPU_SET((unsigned)processor, &here);
    sched_setaffinity(0, sizeof here, &here);
}

/* ---- Making ------------------------------------------------------------------------------- */

static int die_holding(void)
{
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_slot *slot;
    const struct fr_slot *item;

    if (fr_writer_open(world_name, FR_NOWAIT, &writer) < 0 ||
        fr_reader_open(world_name, NULL, FR_NOWAIT, &reader) < 0)
        return 1;
    if (world_write(writer, WRITER_DEAD, 1, FR_NOWAIT) < 0)
        return 2;
    if (fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &item) < 0)
        return 3;
    if (fr_writer_acquire(writer, FR_NOWAIT, &slot) < 0)
        return 4;
    memset(slot->data, 0xee, WORLD_SIZE);
    return kill(getpid(), SIGKILL);
}

static int die_as_owner(void)
{
    struct fr_writer *writer;
    const struct fr_writer_opts opts = world_ring_opts();

    if (fr_writer_create(world_name, &opts, &writer) < 0 ||
        world_write(writer, WRITER_DEAD, 1, FR_NOWAIT) < 0)
        return 1;
    return kill(getpid(), SIGKILL);
}

static void bury(struct world *world, int (*how)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(how());
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        world_fail(world, "the one who should have died ended with %d", WEXITSTATUS(status));
}

static void write_one(struct world *world)
{
    int error = world_write(world->writer, WRITER_SURVIVOR, world->written + 1, FR_NOWAIT);

    if (error == 0)
        world->written++;
    else if (error != FR_ETIMEDOUT)
        world_fail(world, "the survivor could not write: %s", fr_error_detail(error));
}

/* The survivors hold something while the victims come and go; it must be there afterwards. */
static void hold(struct world *world, int held)
{
    if (held > 0 && fr_reader_acquire(world->reader, FR_NEXT, FR_NOWAIT, &world->held_item) == 0) {
        world->last = world->held_item->sequence;
        memcpy(world->held_words, world->held_item->data, WORLD_SIZE);
    }
    if (held > 1 && fr_writer_acquire(world->writer, FR_NOWAIT, &world->held_slot) == 0)
        world_fill(world->held_slot, WRITER_SURVIVOR, 0);
}

static void make_ring(struct world *world, struct world_start start)
{
    const struct fr_writer_opts opts = world_ring_opts();

    if (fr_writer_create(world->name, &opts, &world->writer) < 0 ||
        fr_reader_open(world->name, NULL, FR_NOWAIT, &world->reader) < 0)
        world_fail(world, "cannot make the ring");
    if (world->op->needs_dead_member)
        bury(world, die_holding);
    for (int i = 0; i < start.items; i++)
        write_one(world);
    hold(world, start.held);
}

void world_make(struct world *world, const struct world_mode *mode, const struct world_op *op,
                struct world_start start)
{
    static char name[32];
    static unsigned count;

    snprintf(name, sizeof name, "crash-%d", (int)getpid());
    *world = (struct world){
        .mode = mode, .op = op, .name = name, .is_patient = count++ % PATIENT_ONE == 0
    };
    snprintf(world->where, sizeof world->where, "making the world");
    world_name = name;
    world_delivery = mode->delivery;
    world_overflow = mode->overflow;
    world_observers = op->needs_observers;
    remove_name(name);
    if (op->needs_no_object)
        return;
    if (op->needs_dead_owner)
        bury(world, die_as_owner);
    else if (!op->needs_region)
        make_ring(world, start);
    else if (fr_region_create(name, WORLD_SIZE, NULL, &world->region) < 0)
        world_fail(world, "cannot make the region");
    if (op->needs_dead_locker)
        bury(world, world_die_locking);
}

/* ---- Victims ------------------------------------------------------------------------------- */

#define CANNOT_PREPARE 100

static _Noreturn void be_victim(const struct world_op *op, void (*watch)(void *), void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!op->prepare())
        _exit(CANNOT_PREPARE);
    if (watch)
        watch(context);
    raise(SIGSTOP);
    _exit(op->run());
}

pid_t world_try_victim(struct world *world, const struct world_op *op, void (*watch)(void *),
                       void *context)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        be_victim(op, watch, context);
    if (waitpid(child, &status, WUNTRACED) != child)
        world_fail(world, "lost the victim of \"%s\"", op->name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_PREPARE)
        return -1;
    if (!WIFSTOPPED(status))
        world_fail(world, "the victim of \"%s\" did not get ready (status %#x)", op->name,
                   (unsigned)status);
    return child;
}

pid_t world_victim(struct world *world, const struct world_op *op, void (*watch)(void *),
                   void *context)
{
    pid_t child = world_try_victim(world, op, watch, context);

    if (child < 0)
        world_fail(world, "\"%s\" cannot be prepared", op->name);
    return child;
}

int world_go_on(const struct world *world, pid_t victim)
{
    int status;

    kill(victim, SIGCONT);
    if (waitpid(victim, &status, WUNTRACED) != victim)
        world_fail(world, "lost the victim");
    return status;
}

bool world_ended_well(int status, bool may_be_gone)
{
    if (!WIFEXITED(status))
        return false;
    return WEXITSTATUS(status) == 0 || (may_be_gone && WEXITSTATUS(status) == WORLD_GONE);
}

bool world_was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void world_kill(const struct world *world, pid_t victim)
{
    int status;

    kill(victim, SIGKILL);
    if (waitpid(victim, &status, 0) != victim || !world_was_killed(status))
        world_fail(world, "the victim cannot be buried");
}

/* ---- Going on ------------------------------------------------------------------------------ */

static void check_item(struct world *world, const struct fr_slot *slot)
{
    if (!world_item_is_whole(slot))
        world_fail(world, "item %llu is torn", (unsigned long long)slot->sequence);
    if (slot->sequence <= world->last)
        world_fail(world, "item %llu after item %llu", (unsigned long long)slot->sequence,
                   (unsigned long long)world->last);
    /* What the survivor reads without a gap it must get without a gap. */
    if (world->mode->delivery == FR_BROADCAST && world->mode->overflow != FR_DROP_OLDEST &&
        world->last != 0 && slot->sequence != world->last + 1)
        world_fail(world, "item %llu follows item %llu", (unsigned long long)slot->sequence,
                   (unsigned long long)world->last);
    world->last = slot->sequence;
}

/* The number of items read. */
static int drain(struct world *world)
{
    const struct fr_slot *slot;
    int count = 0;
    int error;

    for (;;) {
        error = fr_reader_acquire(world->reader, FR_NEXT, FR_NOWAIT, &slot);
        if (error < 0)
            break;
        check_item(world, slot);
        fr_reader_release(&slot);
        count++;
    }
    if (error != FR_ETIMEDOUT)
        world_fail(world, "the survivor could not read: %s", fr_error_detail(error));
    return count;
}

/* As if the slice were over in which one does not look for the dead again. */
static void let_time_pass(struct world *world)
{
    world->writer->seat->probed_ns = 0;
    world->reader->seat->probed_ns = 0;
}

void world_laps(struct world *world, int laps)
{
    if (world->writer)
        let_time_pass(world);
    for (int i = 0; i < laps && world->writer; i++) {
        write_one(world);
        drain(world);
    }
}

void world_leave_item(struct world *world)
{
    if (world->writer)
        write_one(world);
}

/* ---- Afterwards ---------------------------------------------------------------------------- */

/* Dropping writers do not wait, but look for the dead each slice: they are asked again. */
static int acquire_soon(struct world *world, struct fr_slot **slot)
{
    int64_t deadline = fr_now_ns() + PATIENCE;
    int error;

    do {
        if (!world->is_patient)
            let_time_pass(world);
        error = fr_writer_acquire(world->writer, world->is_patient ? FR_MS(100) : FR_NOWAIT, slot);
    } while (error == FR_ETIMEDOUT && fr_now_ns() < deadline);
    return error;
}

/* Everything but the newest of a broadcast can be had for writing, and soon. */
static void check_slots_come_back(struct world *world)
{
    int can_have = world->mode->delivery == FR_QUEUE ? WORLD_SLOTS : WORLD_SLOTS - 1;
    struct fr_slot *slots[WORLD_SLOTS];

    for (int i = 0; i < can_have; i++) {
        int error = acquire_soon(world, &slots[i]);

        if (error < 0)
            world_fail(world, "slot %d of %d did not come back: %s", i + 1, can_have,
                       fr_error_detail(error));
        memset(slots[i]->data, 0xcc, WORLD_SIZE);
    }
    for (int i = 0; i < can_have; i++) {
        world_fill(slots[i], WRITER_SURVIVOR, ++world->written);
        if (fr_writer_publish(&slots[i]) < 0)
            world_fail(world, "the survivor could not publish");
    }
    int read = drain(world);
    if (read != can_have)
        world_fail(world, "%d items written, %d read", can_have, read);
}

int world_slot_in_hands(const struct fri_seat *seat)
{
    for (uint32_t i = 0; i < seat->slots; i++) {
        unsigned state = control_state(slot_control(&seat->slot[i]));

        if (state == SLOT_WRITING || state == SLOT_TAKEN || slot_is_pinned(&seat->slot[i]))
            return (int)i;
    }
    return -1;
}

/* No state, no pin and no bit is left that belongs to somebody who is gone. */
static void check_idle(struct world *world)
{
    struct fri_seat *seat = world->writer->seat;

    fri_seat_recover(seat);
    int left = world_slot_in_hands(seat);
    if (left >= 0)
        world_fail(world, "slot %d is left in state %u, pins %#llx", left,
                   control_state(slot_control(&seat->slot[left])),
                   (unsigned long long)word_load(&seat->slot[left].pins));
    uint64_t expected = fri_bit(seat->place) | fri_bit(world->reader->seat->place);
    if (word_load(&seat->page->attached) != expected ||
        word_load(&seat->page->writers) != fri_bit(seat->place))
        world_fail(world, "members are left: attached %#llx, writers %#llx",
                   (unsigned long long)word_load(&seat->page->attached),
                   (unsigned long long)word_load(&seat->page->writers));
}

/* The name is free, or a dead owner's: whoever comes next gets it. */
static void check_region_name(struct world *world)
{
    int error = fr_region_create(world->name, WORLD_SIZE, NULL, &world->region);

    if (error < 0)
        world_fail(world, "the name cannot be had: %s", fr_error_detail(error));
}

static void check_ring_name(struct world *world)
{
    const struct fr_writer_opts opts = world_ring_opts();
    int error = fr_writer_create(world->name, &opts, &world->writer);

    if (error < 0)
        world_fail(world, "the name cannot be taken over: %s", fr_error_detail(error));
    if (fr_reader_open(world->name, NULL, FR_NOWAIT, &world->reader) < 0)
        world_fail(world, "the new ring cannot be opened");
    write_one(world);
    if (drain(world) != 1)
        world_fail(world, "the new ring does not carry items");
    check_slots_come_back(world);
}

/* Who does not wait asks at once whether the holder lives. */
static int lock_soon(struct world *world, enum fr_lock kind)
{
    int64_t deadline = fr_now_ns() + PATIENCE;
    int error;

    do {
        error = fr_region_lock(world->region, kind, world->is_patient ? PATIENCE : FR_NOWAIT);
    } while (error == FR_ETIMEDOUT && fr_now_ns() < deadline);
    return error;
}

static void check_lock(struct world *world)
{
    for (int i = 0; i < 2; i++) {
        int error = lock_soon(world, i == 0 ? FR_EXCLUSIVE : FR_SHARED);

        if (error < 0 && (error != FR_EOWNERDEAD || i > 0))
            world_fail(world, "the lock is lost: %s", fr_error_detail(error));
        if (fr_region_unlock(world->region) < 0)
            world_fail(world, "the lock cannot be given back");
    }
}

/* What the survivors held all the time is as it was, and goes its way. */
static void give_back(struct world *world)
{
    if (world->held_item && memcmp(world->held_words, world->held_item->data, WORLD_SIZE) != 0)
        world_fail(world, "an item that a survivor holds was written into");
    fr_reader_release(&world->held_item);
    if (!world->held_slot)
        return;
    if (!world_item_is_whole(world->held_slot))
        world_fail(world, "a slot that a survivor fills was written into");
    world_fill(world->held_slot, WRITER_SURVIVOR, ++world->written);
    if (fr_writer_publish(&world->held_slot) < 0)
        world_fail(world, "the survivor could not publish what it had held");
}

void world_check(struct world *world)
{
    give_back(world);
    if (world->op->needs_region && world->op->needs_no_object) {
        check_region_name(world);
    } else if (world->op->needs_region) {
        check_lock(world);
    } else if (world->op->needs_dead_owner || world->op->needs_no_object) {
        check_ring_name(world);
    } else {
        drain(world);
        check_slots_come_back(world);
        check_idle(world);
    }
}

static void check_no_name_left(struct world *world)
{
    DIR *directory = opendir("/dev/shm");

    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (strstr(entry->d_name, world->name))
            world_fail(world, "/dev/shm/%s is left", entry->d_name);
    }
    closedir(directory);
}

void world_end(struct world *world)
{
    fr_reader_close(&world->reader);
    fr_writer_close(&world->writer);
    fr_region_close(&world->region);
    check_no_name_left(world);
}
