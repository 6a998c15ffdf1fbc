/* SPDX-License-Identifier: MIT */
/*
 * A death at any instruction. A victim runs one operation; for each k it is single-stepped k
 * instructions of its real machine code and then
 *
 *      kill      killed: the others must go on as if it had never been there, or had finished
 *      freeze    left there while the others run 40 laps, then resumed: it must not spoil anything
 *      brim      as freeze, with a ring that was full before
 *
 * usage: crash_step [kill|freeze|brim|all] [stride] [first]
 *
 * stride 1 is every instruction (tens of minutes); a larger one takes every stride-th, beginning at
 * first, so that runs with different firsts cover them all.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

enum way { KILL, FREEZE, BRIM, WAYS };

static const char *const way_names[] = { "kill", "freeze", "brim" };
static long total_runs;

static void trace_me(void *context)
{
    (void)context;
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* True if the victim ended by itself before its k-th instruction. */
static bool step(struct world *world, pid_t victim, long k)
{
    int status;

    for (long i = 0; i < k; i++) {
        if (ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL) < 0 ||
            waitpid(victim, &status, 0) != victim)
            world_fail(world, "cannot step");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return true;
        if (!WIFSTOPPED(status))
            world_fail(world, "the victim ended with %#x", (unsigned)status);
    }
    return false;
}

static void end_by_kill(struct world *world, pid_t victim)
{
    int status;

    kill(victim, SIGKILL);
    if (waitpid(victim, &status, 0) != victim)
        world_fail(world, "the victim cannot be buried");
}

/* A newcomer holds a slot half written, and a reader holds an item, across the resumption. */
static void end_by_resuming(struct world *world, pid_t victim, int laps)
{
    const struct fr_slot *held = NULL;
    int status;

    world_laps(world, laps);
    if (world->reader && fr_reader_acquire(world->reader, FR_NEXT, FR_NOWAIT, &held) == 0)
        world->last = held->sequence;
    uint64_t before[WORLD_SIZE / 8];
    if (held)
        memcpy(before, held->data, sizeof before);
    if (ptrace(PTRACE_CONT, victim, NULL, NULL) < 0 || waitpid(victim, &status, 0) != victim)
        world_fail(world, "cannot resume");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        world_fail(world, "the resumed victim ended with %#x", (unsigned)status);
    if (held && memcmp(before, held->data, sizeof before) != 0)
        world_fail(world, "the resumed victim wrote into an item that a reader holds");
    fr_reader_release(&held);
}

/* True if the operation has fewer than k instructions. */
static bool run(const struct world_mode *mode, const struct world_op *op, enum way way, long k)
{
    struct world world;

    world_make(&world, mode, op, way == BRIM);
    snprintf(world.where, sizeof world.where, "%s after %ld instructions", way_names[way], k);
    pid_t victim = world_victim(&world, trace_me, NULL);
    bool is_over = step(&world, victim, k);
    if (!is_over && way == KILL)
        end_by_kill(&world, victim);
    else if (!is_over)
        end_by_resuming(&world, victim, way == FREEZE ? 40 : 0);
    world_check(&world);
    world_end(&world);
    total_runs++;
    return is_over;
}

static void run_all(enum way way, long stride, long first)
{
    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned o = 0; o < world_op_count; o++) {
            long k = first;

            if (!(world_ops[o].modes & (1u << m)))
                continue;
            while (!run(&world_modes[m], &world_ops[o], way, k))
                k += stride;
            printf("%-7s %-22s %-25s %6ld instructions, all survived\n", way_names[way],
                   world_modes[m].name, world_ops[o].name, k);
            fflush(stdout);
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
    for (enum way way = KILL; way < WAYS; way++) {
        if (strcmp(wanted, "all") == 0 || strcmp(wanted, way_names[way]) == 0)
            run_all(way, stride, first);
    }
    printf("%ld runs, 0 failures\n", total_runs);
    return 0;
}
