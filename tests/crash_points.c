/* SPDX-License-Identifier: MIT */
/*
 * A death at every named point (FR_POINT) that an operation passes, at each of its passes:
 *
 *      kill      killed there: the others go on as if it had never been, or had finished
 *      stop      stopped there (SIGSTOP) while the others run laps, then resumed
 *      double    killed there, and then whoever cleans up after it is killed at every point of the
 *                cleaning, too
 *
 * The points are found by running the operation once with a hook that writes them down, so a new one
 * is covered as soon as it stands in the code. Prints how often each was hit; a point in the sources
 * that was never hit is a failure (the list is given by the caller: points.txt made from the code).
 *
 * usage: crash_points [kill|stop|double|all] [file with one point name in each line]
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "point.h"
#include "world.h"

#define MAX_POINTS 128
#define MAX_PASSES 4096
#define NAME_SIZE 48

/* In memory that victims share with us. */
struct record {
    int passes; /* points passed so far in the operation that is being run */
    char name[MAX_PASSES][NAME_SIZE];
};

static struct record *record;
static int deadly_pass; /* in a victim: the pass at which it ends */
static int deadly_signal;

static char seen[MAX_POINTS][NAME_SIZE];
static long hits[MAX_POINTS];
static int seen_count;
static long total_runs;

/* ---- Hooks, in the victims ------------------------------------------------------------------ */

static void write_down(const char *name)
{
    if (world_at_point)
        world_at_point(name);
    if (record->passes < MAX_PASSES)
        snprintf(record->name[record->passes], NAME_SIZE, "%s", name);
    record->passes++;
}

static void die_at_pass(const char *name)
{
    if (world_at_point)
        world_at_point(name);
    if (record->passes++ == deadly_pass)
        raise(deadly_signal);
}

static void hook_recorder(void *context)
{
    (void)context;
    record->passes = 0;
    fri_point_hook = write_down;
}

static void hook_death(void *context)
{
    (void)context;
    record->passes = 0;
    fri_point_hook = die_at_pass;
}

/* ---- Book-keeping --------------------------------------------------------------------------- */

static void count_hit(const char *name)
{
    int i = 0;

    while (i < seen_count && strcmp(seen[i], name) != 0)
        i++;
    if (i == seen_count && seen_count < MAX_POINTS)
        snprintf(seen[seen_count++], NAME_SIZE, "%s", name);
    if (i < MAX_POINTS)
        hits[i]++;
    total_runs++;
}

/* How many points the operation passes when nobody disturbs it; their names are in the record. */
static int passes_of(const struct world_mode *mode, const struct world_op *op)
{
    struct world world;
    int status;

    world_make(&world, mode, op, false);
    snprintf(world.where, sizeof world.where, "undisturbed");
    pid_t victim = world_victim(&world, hook_recorder, NULL);
    kill(victim, SIGCONT);
    if (waitpid(victim, &status, 0) != victim || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        world_fail(&world, "the operation ended with %#x", (unsigned)status);
    world_check(&world);
    world_end(&world);
    return record->passes < MAX_PASSES ? record->passes : MAX_PASSES;
}

/* Lets a prepared victim run until it dies, stops or ends. */
static int run_on(const struct world *world, pid_t victim)
{
    int status;

    kill(victim, SIGCONT);
    if (waitpid(victim, &status, WUNTRACED) != victim)
        world_fail(world, "lost the victim");
    return status;
}

/* ---- The three ways ------------------------------------------------------------------------- */

static void kill_at(const struct world_mode *mode, const struct world_op *op, int pass)
{
    struct world world;
    char name[NAME_SIZE];

    memcpy(name, record->name[pass], sizeof name);
    deadly_pass = pass;
    deadly_signal = SIGKILL;
    world_make(&world, mode, op, false);
    snprintf(world.where, sizeof world.where, "killed at pass %d", pass);
    pid_t victim = world_victim(&world, hook_death, NULL);
    if (!WIFSIGNALED(run_on(&world, victim)))
        world_fail(&world, "the victim did not come to \"%s\"", name);
    world_check(&world);
    world_end(&world);
    count_hit(name);
}

static void stop_at(const struct world_mode *mode, const struct world_op *op, int pass)
{
    struct world world;
    char name[NAME_SIZE];

    memcpy(name, record->name[pass], sizeof name);
    deadly_pass = pass;
    deadly_signal = SIGSTOP;
    world_make(&world, mode, op, false);
    snprintf(world.where, sizeof world.where, "stopped at pass %d", pass);
    pid_t victim = world_victim(&world, hook_death, NULL);
    if (!WIFSTOPPED(run_on(&world, victim)))
        world_fail(&world, "the victim did not stop at \"%s\"", name);
    world_laps(&world, 40);
    int status = run_on(&world, victim);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        world_fail(&world, "stopped at \"%s\" and resumed, it ended with %#x", name,
                   (unsigned)status);
    world_check(&world);
    world_end(&world);
    count_hit(name);
}

static const struct world_op *op_named(const char *name)
{
    for (unsigned i = 0; i < world_op_count; i++) {
        if (strcmp(world_ops[i].name, name) == 0)
            return &world_ops[i];
    }
    abort();
}

/*
 * The undertaker is there, ready, before the victim dies; then it dies too, at each of its points.
 * False: it cleaned everything up before that many passes.
 */
static bool double_at(const struct world_mode *mode, const struct world_op *op, int pass,
                      int undertaker_pass)
{
    const struct world_op *recover = op_named("recover");
    struct world world;

    world_make(&world, mode, op, false);
    snprintf(world.where, sizeof world.where, "killed at pass %d, undertaker at %d", pass,
             undertaker_pass);
    deadly_signal = SIGKILL;
    deadly_pass = undertaker_pass;
    world.op = recover;
    pid_t undertaker = world_victim(&world, hook_death, NULL);
    world.op = op;
    deadly_pass = pass;
    pid_t victim = world_victim(&world, hook_death, NULL);
    run_on(&world, victim);
    record->passes = 0;
    bool died = WIFSIGNALED(run_on(&world, undertaker));
    world_check(&world);
    world_end(&world);
    total_runs++;
    return died;
}

static void run_op(const char *wanted, const struct world_mode *mode, const struct world_op *op)
{
    bool all = strcmp(wanted, "all") == 0;
    int passes = passes_of(mode, op);
    struct record kept = *record;

    for (int pass = 0; pass < passes; pass++) {
        *record = kept;
        if (all || strcmp(wanted, "kill") == 0)
            kill_at(mode, op, pass);
        *record = kept;
        if (all || strcmp(wanted, "stop") == 0)
            stop_at(mode, op, pass);
        if (!(all || strcmp(wanted, "double") == 0) || op->needs_dead_owner ||
            op->needs_no_object || op->needs_region)
            continue;
        for (int second = 0; double_at(mode, op, pass, second); second++)
            continue;
    }
    printf("%-22s %-25s %4d points passed\n", mode->name, op->name, passes);
    fflush(stdout);
}

/* Every point of the sources must have been hit. */
static int report(const char *list)
{
    char name[NAME_SIZE];
    int missing = 0;
    FILE *file = list ? fopen(list, "r") : NULL;

    for (int i = 0; i < seen_count; i++)
        printf("%7ld hits: %s\n", hits[i], seen[i]);
    while (file && fgets(name, sizeof name, file)) {
        int i = 0;

        name[strcspn(name, "\n")] = '\0';
        while (i < seen_count && strcmp(seen[i], name) != 0)
            i++;
        if (i == seen_count) {
            printf("FAILED: no operation comes to \"%s\"\n", name);
            missing++;
        }
    }
    if (file)
        fclose(file);
    printf("%ld runs, %d failures\n", total_runs, missing);
    return missing ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "all";

    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (record == MAP_FAILED)
        return 2;
    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned o = 0; o < world_op_count; o++) {
            if (world_ops[o].modes & (1u << m))
                run_op(wanted, &world_modes[m], &world_ops[o]);
        }
    }
    return report(argc > 2 ? argv[2] : NULL);
}
