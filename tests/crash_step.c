/* SPDX-License-Identifier: MIT */
/*
 * A death at any instruction. A victim runs one operation; for each k it is brought to the k-th
 * instruction of its real machine code (see crash_trace.h) and then
 *
 *      kill      killed: the others must go on as if it had never been there, or had finished
 *      freeze    left there while the others run 40 laps, then resumed: it must not spoil anything
 *      brim      as freeze, with a ring that was full before
 *
 * usage: crash_step [kill|freeze|brim|all] [stride] [first]
 *
 * stride 1 is every instruction; a larger one takes every stride-th, beginning at first, so that
 * runs with different firsts cover them all, also at the same time (with taskset, one on each
 * processor).
 *
 * Where the way of an operation depends on time, a breakpoint is missed. Then the victim dies all
 * the same wherever it is, which must do no harm either, and another one is single-stepped. How
 * many were is printed as "stepped".
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "crash_trace.h"
#include "world.h"

enum way { KILL, FREEZE, BRIM, WAYS };

static const char *const way_names[] = { "kill", "freeze", "brim" };
static struct trace trace;
static long total_runs;
static long total_instructions;
static long total_stepped;

static void trace_me(void *context)
{
    (void)context;
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* A newcomer holds a slot half written, and a reader holds an item, across the resumption. */
static void end_by_resuming(struct world *world, pid_t victim, int laps)
{
    const struct fr_slot *held = NULL;
    uint64_t before[WORLD_SIZE / 8];
    int status;

    world_laps(world, laps);
    if (world->reader && fr_reader_acquire(world->reader, FR_NEXT, FR_NOWAIT, &held) == 0)
        world->last = held->sequence;
    if (held)
        memcpy(before, held->data, sizeof before);
    if (ptrace(PTRACE_CONT, victim, NULL, NULL) < 0 || waitpid(victim, &status, 0) != victim)
        world_fail(world, "cannot resume");
    if (!world_ended_well(status, false))
        world_fail(world, "the resumed victim ended with %#x", (unsigned)status);
    if (held && memcmp(before, held->data, sizeof before) != 0)
        world_fail(world, "the resumed victim wrote into an item that a reader holds");
    fr_reader_release(&held);
}

static void make(struct world *world, const struct world_mode *mode, const struct world_op *op,
                 enum way way)
{
    struct world_start start = world_usual_start;

    if (way == BRIM)
        start.items = WORLD_SLOTS;
    world_make(world, mode, op, start);
}

static void finish(struct world *world)
{
    world_check(world);
    world_end(world);
}

/* The operation undisturbed, but for being written down. */
static void record(const struct world_mode *mode, const struct world_op *op, enum way way)
{
    struct world world;
    int status = 0;

    make(&world, mode, op, way);
    snprintf(world.where, sizeof world.where, "%s, undisturbed", way_names[way]);
    pid_t victim = world_victim(&world, op, trace_me, NULL);
    if (trace_record(&trace, victim, &status) != TRACE_OVER)
        world_fail(&world, "the victim ended with %#x after %ld instructions", (unsigned)status,
                   trace.count);
    finish(&world);
}

/* True if the victim came to its k-th instruction, or was over before. */
static bool try_run(const struct world_mode *mode, const struct world_op *op, enum way way, long k,
                    bool by_steps)
{
    struct world world;
    int status = 0;

    make(&world, mode, op, way);
    snprintf(world.where, sizeof world.where, "%s before instruction %ld%s", way_names[way], k,
             by_steps ? ", stepped" : "");
    snprintf(world.again, sizeof world.again, "crash_step %s 1000000 %ld", way_names[way], k);
    pid_t victim = world_victim(&world, op, trace_me, NULL);
    enum trace_end end =
        by_steps ? trace_single_steps(victim, k, &status) : trace_run(&trace, victim, k, &status);
    if (end == TRACE_DIED)
        world_fail(&world, "the victim ended with %#x", (unsigned)status);
    if (end != TRACE_OVER && (way == KILL || end == TRACE_LOST))
        world_kill(&world, victim);
    else if (end == TRACE_THERE)
        end_by_resuming(&world, victim, way == FREEZE ? 40 : 0);
    finish(&world);
    return end == TRACE_THERE || (by_steps && end == TRACE_OVER);
}

static void run(const struct world_mode *mode, const struct world_op *op, enum way way, long k)
{
    if (!try_run(mode, op, way, k, false)) {
        try_run(mode, op, way, k, true);
        total_stepped++;
    }
    total_runs++;
}

static void run_op(const struct world_mode *mode, const struct world_op *op, enum way way,
                   long stride, long first)
{
    long stepped_before = total_stepped;

    record(mode, op, way);
    for (long k = first; k < trace.count; k += stride)
        run(mode, op, way, k);
    total_instructions += trace.count;
    printf("%-7s %-22s %-25s %6ld instructions, all survived (%ld stepped)\n", way_names[way],
           mode->name, op->name, trace.count, total_stepped - stepped_before);
    fflush(stdout);
}

static void run_all(enum way way, long stride, long first)
{
    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned o = 0; o < world_op_count; o++) {
            if (world_ops[o].modes & (1u << m))
                run_op(&world_modes[m], &world_ops[o], way, stride, first);
        }
    }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "all";
    long stride = argc > 2 ? atol(argv[2]) : 1;
    long first = argc > 3 ? atol(argv[3]) : 0;

    if (stride < 1 || first < 0) {
        fprintf(stderr, "usage: crash_step [kill|freeze|brim|all] [stride] [first]\n");
        return 2;
    }
    if (!trace_make(&trace))
        return 2;
    world_stay_here();
    for (enum way way = KILL; way < WAYS; way++) {
        if (strcmp(wanted, "all") == 0 || strcmp(wanted, way_names[way]) == 0)
            run_all(way, stride, first);
    }
    printf("%ld runs, 0 failures (%ld instructions, %ld runs stepped)\n", total_runs,
           total_instructions, total_stepped);
    return 0;
}
