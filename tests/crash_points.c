/* SPDX-License-Identifier: MIT */
/*
 * A death at every named point (FR_POINT) that an operation passes, at each of its passes:
 *
 *      kill      killed there: the others go on as if it had never been, or had finished
 *      stop      stopped there (SIGSTOP) while the others run laps, then resumed
 *      double    killed there, and then whoever cleans up after it is killed at every point of the
 *                cleaning, too
 *
 * The points are found by running the operation once with a hook that writes them down, so a new
 * one is covered as soon as it stands in the code. Prints how often each was hit; a point of the
 * list that was never hit is a failure (crash_points.sh makes the list from the sources).
 *
 * usage: crash_points [kill|stop|double|all] [file with one point name in each line]
 *        crash_points doubles COUNT [SEED [FIRST]]
 *
 * doubles: that many double deaths, each of them another draw of operation, pass, who cleans up,
 * its pass, how full the ring is, what the survivors hold and how far they go in between. The n-th
 * depends on SEED and n only; FIRST begins with that one.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "crash_hooks.h"
#include "world.h"

enum { VICTIM, UNDERTAKER };

static long total_runs;

/* How many points the operation passes when nobody disturbs it; their names are in the record. */
static int passes_of(const struct world_mode *mode, const struct world_op *op,
                     struct world_start start)
{
    struct crash_fate fate = { .victim = VICTIM };
    struct world world;

    world_make(&world, mode, op, start);
    snprintf(world.where, sizeof world.where, "undisturbed");
    pid_t victim = world_victim(&world, op, crash_write_down, &fate);
    int status = world_go_on(&world, victim);
    if (!world_ended_well(status, false))
        world_fail(&world, "the operation ended with %#x", (unsigned)status);
    world_check(&world);
    world_end(&world);
    return crash_record[VICTIM].passes < CRASH_PASSES ? crash_record[VICTIM].passes : CRASH_PASSES;
}

/* ---- The three ways ------------------------------------------------------------------------- */

static void finish(struct world *world)
{
    world_check(world);
    world_end(world);
    total_runs++;
}

static void count_point(const struct world *world, const struct crash_fate *fate)
{
    const char *point = crash_point_of(fate);

    if (!point)
        world_fail(world, "the victim did not come so far");
    crash_count(0, point);
}

static void kill_at(const struct world_mode *mode, const struct world_op *op, int pass)
{
    struct crash_fate fate = { VICTIM, pass, SIGKILL };
    struct world world;

    world_make(&world, mode, op, world_usual_start);
    snprintf(world.where, sizeof world.where, "killed at pass %d", pass);
    pid_t victim = world_victim(&world, op, crash_at_pass, &fate);
    if (!world_was_killed(world_go_on(&world, victim)))
        world_fail(&world, "the victim did not die");
    count_point(&world, &fate);
    finish(&world);
}

static void stop_at(const struct world_mode *mode, const struct world_op *op, int pass)
{
    struct crash_fate fate = { VICTIM, pass, SIGSTOP };
    struct world world;

    world_make(&world, mode, op, world_usual_start);
    snprintf(world.where, sizeof world.where, "stopped at pass %d", pass);
    pid_t victim = world_victim(&world, op, crash_at_pass, &fate);
    if (!WIFSTOPPED(world_go_on(&world, victim)))
        world_fail(&world, "the victim did not stop");
    count_point(&world, &fate);
    world_laps(&world, 40);
    int status = world_go_on(&world, victim);
    if (!world_ended_well(status, false))
        world_fail(&world, "resumed at \"%s\", it ended with %#x", crash_point_of(&fate),
                   (unsigned)status);
    finish(&world);
}

/* Two deaths: what happens when, and how the world stands before. */
struct two_deaths {
    const struct world_mode *mode;
    const struct world_op *op;
    const struct world_op *cleaning;
    struct world_start start;
    int pass;
    int cleaning_pass;
    int laps; /* of the survivors between the deaths */
    char again[64];
};

/* True if it was killed; else it must have ended well. */
static bool go_to_death(const struct world *world, pid_t victim)
{
    int status = world_go_on(world, victim);

    if (world_was_killed(status))
        return true;
    if (!world_ended_well(status, false))
        world_fail(world, "the victim, or who cleans up, ended with %#x", (unsigned)status);
    return false;
}

static void describe(struct world *world, const struct two_deaths *deaths)
{
    snprintf(world->where, sizeof world->where,
             "killed at pass %d, then \"%s\" at %d, from %d+%d, %d laps", deaths->pass,
             deaths->cleaning->name, deaths->cleaning_pass, deaths->start.items, deaths->start.held,
             deaths->laps);
    snprintf(world->again, sizeof world->again, "%s", deaths->again);
}

/*
 * The undertaker is there, ready, before the victim dies; then it dies too, at one of its points.
 * False: one of them was done before it passed so many, or the world is not one for both of them.
 */
static bool die_twice(const struct two_deaths *deaths)
{
    struct crash_fate first = { VICTIM, deaths->pass, SIGKILL };
    struct crash_fate second = { UNDERTAKER, deaths->cleaning_pass, SIGKILL };
    struct world world;
    bool both_died = false;

    world_make(&world, deaths->mode, deaths->op, deaths->start);
    describe(&world, deaths);
    pid_t undertaker = world_try_victim(&world, deaths->cleaning, crash_at_pass, &second);
    pid_t victim =
        undertaker < 0 ? -1 : world_try_victim(&world, deaths->op, crash_at_pass, &first);
    if (victim > 0) {
        both_died = go_to_death(&world, victim);
        world_laps(&world, deaths->laps);
        both_died = go_to_death(&world, undertaker) && both_died;
    } else if (undertaker > 0) {
        world_kill(&world, undertaker);
    }
    world_check(&world);
    world_end(&world);
    return both_died;
}

static const struct world_op *op_named(const char *name)
{
    for (unsigned i = 0; i < world_op_count; i++) {
        if (strcmp(world_ops[i].name, name) == 0)
            return &world_ops[i];
    }
    abort();
}

static bool can_be_cleaned_up_after(const struct world_op *op)
{
    return !op->needs_dead_owner && !op->needs_no_object && !op->needs_region;
}

static void double_at(const struct world_mode *mode, const struct world_op *op, int pass)
{
    struct two_deaths deaths = { .mode = mode,
                                 .op = op,
                                 .cleaning = op_named("recover"),
                                 .start = world_usual_start,
                                 .pass = pass };
    bool died;

    do {
        died = die_twice(&deaths);
        deaths.cleaning_pass++;
        total_runs++;
    } while (died);
}

static void run_op(const char *wanted, const struct world_mode *mode, const struct world_op *op)
{
    bool all = strcmp(wanted, "all") == 0;
    int passes = passes_of(mode, op, world_usual_start);

    for (int pass = 0; pass < passes; pass++) {
        if (all || strcmp(wanted, "kill") == 0)
            kill_at(mode, op, pass);
        if (all || strcmp(wanted, "stop") == 0)
            stop_at(mode, op, pass);
        if ((all || strcmp(wanted, "double") == 0) && can_be_cleaned_up_after(op))
            double_at(mode, op, pass);
    }
    printf("%-22s %-25s %4d points passed\n", mode->name, op->name, passes);
    fflush(stdout);
}

static int run_ways(const char *wanted, const char *list)
{
    const char *const role = "hits";

    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned o = 0; o < world_op_count; o++) {
            if (world_ops[o].modes & (1u << m))
                run_op(wanted, &world_modes[m], &world_ops[o]);
        }
    }
    int missing = crash_report(1, &role, list);
    printf("%ld runs, %d failures\n", total_runs, missing);
    return missing ? 1 : 0;
}

/* ---- Many double deaths --------------------------------------------------------------------- */

/* Who cleans up: by being asked to, by taking the dead one's place, by leaving as a writer. */
static const char *const undertakers[] = { "recover", "attach writer", "attach reader", "detach" };

#define UNDERTAKERS 4
#define MAX_OPS 64

/* How many passes an operation was seen to have, as victim and as undertaker, to draw among. */
static int most_passes[WORLD_MODES][MAX_OPS];
static int most_cleaning[UNDERTAKERS];

static void draw(struct two_deaths *deaths, uint64_t seed, long number, unsigned *who)
{
    static const int items[] = { 0, 1, WORLD_SLOTS / 2, WORLD_SLOTS };
    static const int laps[] = { 0, 0, 1, 3, 40 };
    struct crash_dice dice = crash_dice(seed, (uint64_t)number);
    unsigned mode;
    unsigned op;

    do {
        mode = crash_roll(&dice, WORLD_MODES);
        op = crash_roll(&dice, world_op_count);
    } while (!(world_ops[op].modes & (1u << mode)) || most_passes[mode][op] == 0);
    *who = crash_roll(&dice, UNDERTAKERS);
    *deaths = (struct two_deaths){
        .mode = &world_modes[mode],
        .op = &world_ops[op],
        .cleaning = op_named(undertakers[*who]),
        .start = { .items = items[crash_roll(&dice, 4)], .held = (int)crash_roll(&dice, 3) },
        .pass = (int)crash_roll(&dice, (unsigned)most_passes[mode][op]),
        .cleaning_pass = (int)crash_roll(&dice, (unsigned)most_cleaning[*who]),
        .laps = laps[crash_roll(&dice, 5)],
    };
}

static void count_passes(void)
{
    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned o = 0; o < world_op_count; o++) {
            const struct world_op *op = &world_ops[o];

            if ((op->modes & (1u << m)) && can_be_cleaned_up_after(op))
                most_passes[m][o] = passes_of(&world_modes[m], op, world_usual_start);
        }
    }
    /* With somebody dead in the world, which is when there is something to clean up. */
    for (unsigned i = 0; i < UNDERTAKERS; i++) {
        struct world_op op = *op_named(undertakers[i]);

        op.needs_dead_member = true;
        most_cleaning[i] = passes_of(&world_modes[0], &op, world_usual_start);
    }
}

static int run_doubles(long count, uint64_t seed, long first)
{
    long done[UNDERTAKERS] = { 0 };
    long drawn = 0;
    long both = 0;

    count_passes();
    while (both < count) {
        struct two_deaths deaths;
        unsigned who;
        long number = first + drawn++;

        draw(&deaths, seed, number, &who);
        snprintf(deaths.again, sizeof deaths.again, "crash_points doubles 1 %" PRIu64 " %ld", seed,
                 number);
        if (!die_twice(&deaths))
            continue;
        both++;
        done[who]++;
    }
    for (unsigned i = 0; i < UNDERTAKERS; i++)
        printf("%7ld hits: the undertaker was \"%s\"\n", done[i], undertakers[i]);
    printf("%ld runs, 0 failures (seed %" PRIu64 ", %ld drawn)\n", both, seed, drawn);
    return 0;
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "all";

    if (world_op_count > MAX_OPS || !crash_hooks_make())
        return 2;
    world_stay_here();
    if (strcmp(wanted, "doubles") != 0)
        return run_ways(wanted, argc > 2 ? argv[2] : NULL);
    return run_doubles(argc > 2 ? atol(argv[2]) : 1000,
                       argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)fr_now_ns(),
                       argc > 4 ? atol(argv[4]) : 0);
}
