/* SPDX-License-Identifier: MIT */
/*
 * Two victims at once. A does one operation and B another in the same ring or region; A is stopped
 * or killed at the i-th named point it passes, then B at the j-th, and the survivors go on between
 * and after. What was stopped is resumed or killed, the one first or the other. Afterwards
 * nothing may be lost but the victims, as in crash_points.
 *
 * All pairs of operations that can happen in one world x modes x i x j x 8 orders of events x 4
 * ways the ring stands before. COUNT of them are run, spread evenly over all, and more of those
 * whose point was not hit by chance: each point must be hit as A's and as B's.
 *
 * usage: crash_matrix COUNT [file with one point name in each line [SEED]]      0 is all
 *        crash_matrix only MODE.A.I.B.J.ORDER.START                   as printed on a failure
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

enum { A, B };

#define MAX_OPS 64
#define MAX_PAIRS (WORLD_MODES * MAX_OPS * MAX_OPS)
#define MAX_PLACES 128

/* An order of events is three answers. */
enum { A_DIES = 1, B_DIES = 2, A_ENDS_FIRST = 4, ORDERS = 8 };

static const struct world_start starts[] = {
    { .items = 1 }, { .items = 0 }, { .items = WORLD_SLOTS }, { .items = 2, .held = 2 }
};
#define STARTS (sizeof starts / sizeof starts[0])

/* What is run, by numbers, so that they can be printed and given again. */
struct cell {
    unsigned mode;
    unsigned op[CRASH_VICTIMS];
    int pass[CRASH_VICTIMS];
    int order;
    int start;
};

/* Two operations in a mode, and where their cells begin in the numbering of all. */
struct pair {
    struct cell cell;
    int passes[CRASH_VICTIMS];
    uint64_t first;
};

/* Where a point was seen first. */
struct place {
    const char *point;
    unsigned mode;
    unsigned op;
    int pass;
};

static struct pair pairs[MAX_PAIRS];
static int pair_count;
static uint64_t cell_count;
static struct place places[MAX_PLACES];
static int place_count;
static long total_runs;
static long total_unprepared;
static long total_over; /* victims that were done before their point */

/* ---- Which pairs there are ------------------------------------------------------------------ */

/* The world that has what both need. */
static struct world_op world_of_both(const struct world_op *a, const struct world_op *b)
{
    struct world_op both = *a;

    both.needs_dead_member |= b->needs_dead_member;
    both.needs_dead_owner |= b->needs_dead_owner;
    both.needs_no_object |= b->needs_no_object;
    both.needs_region |= b->needs_region;
    both.needs_observers |= b->needs_observers;
    both.needs_dead_locker |= b->needs_dead_locker;
    return both;
}

static bool is_one_world(const struct world_op *a, const struct world_op *b)
{
    const struct world_op both = world_of_both(a, b);

    if (a->needs_region != b->needs_region || a->needs_dead_owner != b->needs_dead_owner)
        return false;
    if (a->needs_no_object && b->needs_no_object)
        return false;
    /* One of the two makes the object, so nobody can have died in it. */
    return !both.needs_no_object || !(both.needs_dead_member || both.needs_dead_locker);
}

static void note_places(unsigned mode, unsigned op)
{
    const struct crash_record *record = &crash_record[A];

    for (int pass = 0; pass < record->passes && pass < CRASH_PASSES; pass++) {
        int i = 0;

        while (i < place_count && strcmp(places[i].point, record->name[pass]) != 0)
            i++;
        if (i == place_count && place_count < MAX_PLACES)
            places[place_count++] = (struct place){ record->name[pass], mode, op, pass };
    }
}

static int measure(unsigned mode, unsigned op, const struct world_op *surroundings)
{
    struct crash_fate fate = { .victim = A };
    struct world world;

    world_make(&world, &world_modes[mode], surroundings, world_usual_start);
    snprintf(world.where, sizeof world.where, "undisturbed");
    pid_t victim = world_try_victim(&world, &world_ops[op], crash_write_down, &fate);
    int status = victim < 0 ? 0 : world_go_on(&world, victim);
    if (victim >= 0 && !world_ended_well(status, false))
        world_fail(&world, "\"%s\" ended with %#x", world_ops[op].name, (unsigned)status);
    world_check(&world);
    world_end(&world);
    if (victim < 0)
        return 0;
    note_places(mode, op);
    return crash_record[A].passes < CRASH_PASSES ? crash_record[A].passes : CRASH_PASSES;
}

/* An operation passes more points where somebody lies dead than elsewhere. */
static int passes_of(unsigned mode, unsigned op, const struct world_op *both)
{
    static int known[WORLD_MODES][MAX_OPS][8]; /* one more than it is */
    struct world_op surroundings = *both;

    /* If the other one would make the object, somebody else has. */
    surroundings.needs_no_object = world_ops[op].needs_no_object;
    unsigned kind = (surroundings.needs_dead_member ? 1u : 0) |
                    (surroundings.needs_observers ? 2u : 0) |
                    (surroundings.needs_dead_locker ? 4u : 0);
    if (known[mode][op][kind] == 0)
        known[mode][op][kind] = measure(mode, op, &surroundings) + 1;
    return known[mode][op][kind] - 1;
}

static void add_pair(unsigned mode, unsigned a, unsigned b)
{
    const struct world_op both = world_of_both(&world_ops[a], &world_ops[b]);
    struct pair pair = { .cell = { .mode = mode, .op = { a, b } }, .first = cell_count };

    pair.passes[A] = passes_of(mode, a, &both);
    pair.passes[B] = passes_of(mode, b, &both);
    uint64_t cells = (uint64_t)pair.passes[A] * (uint64_t)pair.passes[B] * ORDERS * STARTS;
    if (cells == 0)
        return;
    pairs[pair_count++] = pair;
    cell_count += cells;
}

static void find_pairs(void)
{
    for (unsigned m = 0; m < WORLD_MODES; m++) {
        for (unsigned a = 0; a < world_op_count; a++) {
            for (unsigned b = 0; b < world_op_count; b++) {
                if ((world_ops[a].modes & world_ops[b].modes & (1u << m)) &&
                    is_one_world(&world_ops[a], &world_ops[b]))
                    add_pair(m, a, b);
            }
        }
    }
}

/* The number-th of all cells. */
static struct cell cell_at(uint64_t number)
{
    int low = 0;
    int high = pair_count - 1;

    while (low < high) {
        int middle = (low + high + 1) / 2;

        if (pairs[middle].first <= number)
            low = middle;
        else
            high = middle - 1;
    }
    struct cell cell = pairs[low].cell;
    uint64_t rest = number - pairs[low].first;
    cell.start = (int)(rest % STARTS);
    rest /= STARTS;
    cell.order = (int)(rest % ORDERS);
    rest /= ORDERS;
    cell.pass[B] = (int)(rest % (uint64_t)pairs[low].passes[B]);
    cell.pass[A] = (int)(rest / (uint64_t)pairs[low].passes[B]);
    return cell;
}

/* ---- A run ---------------------------------------------------------------------------------- */

struct run {
    struct world world;
    const struct cell *cell;
    pid_t victim[CRASH_VICTIMS];
    struct crash_fate fate[CRASH_VICTIMS];
    bool is_gone[CRASH_VICTIMS];
};

static bool dies(const struct cell *cell, int who)
{
    return cell->order & (who == A ? A_DIES : B_DIES);
}

static int ends_first(const struct cell *cell)
{
    return cell->order & A_ENDS_FIRST ? A : B;
}

static void describe(struct run *run)
{
    const struct cell *cell = run->cell;

    snprintf(run->world.where, sizeof run->world.where,
             "%s at %d, \"%s\" %s at %d, %s first, start %d", dies(cell, A) ? "killed" : "stopped",
             cell->pass[A], world_ops[cell->op[B]].name, dies(cell, B) ? "killed" : "stopped",
             cell->pass[B], ends_first(cell) == A ? "A" : "B", cell->start);
    snprintf(run->world.again, sizeof run->world.again, "crash_matrix only %u.%u.%d.%u.%d.%d.%d",
             cell->mode, cell->op[A], cell->pass[A], cell->op[B], cell->pass[B], cell->order,
             cell->start);
}

/* Whoever makes the object must come first. False: the two cannot be prepared side by side. */
static bool prepare(struct run *run)
{
    int first = world_ops[run->cell->op[B]].needs_no_object ? B : A;

    for (int i = 0; i < CRASH_VICTIMS; i++) {
        int who = i == 0 ? first : 1 - first;

        run->fate[who] =
            (struct crash_fate){ .victim = who, .pass = run->cell->pass[who], .signal = SIGSTOP };
        if (dies(run->cell, who) && ends_first(run->cell) == who)
            run->fate[who].signal = SIGKILL;
        run->victim[who] = world_try_victim(&run->world, &world_ops[run->cell->op[who]],
                                            crash_at_pass, &run->fate[who]);
        if (run->victim[who] >= 0)
            continue;
        if (i > 0)
            world_kill(&run->world, run->victim[first]);
        return false;
    }
    return true;
}

static void expect_good_end(struct run *run, int who, int status)
{
    run->is_gone[who] = true;
    if (!world_ended_well(status, run->world.op->needs_no_object))
        world_fail(&run->world, "%s ended with %#x", who == A ? "A" : "B", (unsigned)status);
}

/* To the point that was chosen for it. */
static void go_to_point(struct run *run, int who)
{
    int status = world_go_on(&run->world, run->victim[who]);
    const char *point = crash_point_of(&run->fate[who]);

    if (point)
        crash_count(who, point);
    if (WIFSTOPPED(status))
        return;
    if (world_was_killed(status))
        run->is_gone[who] = true;
    else
        expect_good_end(run, who, status);
    if (!point)
        total_over++;
}

static void end(struct run *run, int who)
{
    if (run->is_gone[who])
        return;
    if (dies(run->cell, who))
        world_kill(&run->world, run->victim[who]);
    else
        expect_good_end(run, who, world_go_on(&run->world, run->victim[who]));
}

/* False: there is no such world. */
static bool run_cell(const struct cell *cell)
{
    const struct world_op both = world_of_both(&world_ops[cell->op[A]], &world_ops[cell->op[B]]);
    struct run run = { .cell = cell };

    world_make(&run.world, &world_modes[cell->mode], &both, starts[cell->start]);
    describe(&run);
    bool is_ready = prepare(&run);
    if (is_ready) {
        int first = ends_first(cell);

        go_to_point(&run, A);
        world_laps(&run.world, 2);
        world_leave_item(&run.world);
        go_to_point(&run, B);
        world_laps(&run.world, 10);
        end(&run, first);
        world_laps(&run.world, 3);
        end(&run, 1 - first);
        total_runs++;
    } else {
        total_unprepared++;
    }
    world_check(&run.world);
    world_end(&run.world);
    return is_ready;
}

/* ---- Many runs ------------------------------------------------------------------------------ */

static void run_all(void)
{
    for (uint64_t i = 0; i < cell_count; i++) {
        const struct cell cell = cell_at(i);

        run_cell(&cell);
    }
}

static uint64_t roll_wide(struct crash_dice *dice, uint64_t sides)
{
    uint64_t high = crash_roll(dice, 1u << 31);

    return (high << 31 | crash_roll(dice, 1u << 31)) % sides;
}

/* One from each of count equal parts of all cells; what cannot be prepared is drawn again. */
static void run_some(uint64_t count, struct crash_dice *dice)
{
    const int attempts = 20;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t low = cell_count / count * i;
        uint64_t size = cell_count / count;
        bool is_done = false;

        for (int attempt = 0; attempt < attempts && !is_done; attempt++) {
            const struct cell cell = attempt == 0 ? cell_at(low + roll_wide(dice, size))
                                                  : cell_at(roll_wide(dice, cell_count));

            is_done = run_cell(&cell);
        }
    }
}

/* A pair in which an operation has a role; there is always one, with itself at the worst. */
static bool draw_partner(const struct place *place, int role, struct crash_dice *dice,
                         struct cell *cell)
{
    for (int attempt = 0; attempt < 10000; attempt++) {
        const struct pair *pair = &pairs[crash_roll(dice, (unsigned)pair_count)];

        if (pair->cell.mode != place->mode || pair->cell.op[role] != place->op)
            continue;
        *cell = pair->cell;
        cell->pass[role] = place->pass;
        cell->pass[1 - role] = (int)crash_roll(dice, (unsigned)pair->passes[1 - role]);
        cell->order = (int)crash_roll(dice, ORDERS);
        return true;
    }
    return false;
}

/* The points that chance left out. */
static void run_left_out(struct crash_dice *dice)
{
    const int attempts = 200;

    for (int i = 0; i < place_count; i++) {
        for (int role = 0; role < CRASH_VICTIMS; role++) {
            struct cell cell;

            for (int attempt = 0; attempt < attempts; attempt++) {
                if (crash_hits(role, places[i].point) > 0 ||
                    !draw_partner(&places[i], role, dice, &cell))
                    break;
                run_cell(&cell);
            }
        }
    }
}

static int run_matrix(uint64_t count, const char *list, uint64_t seed)
{
    static const char *const role_names[] = { "as A", "as B" };
    struct crash_dice dice = crash_dice(seed, 0);

    printf("seed %" PRIu64 "\n", seed);
    find_pairs();
    printf("%d pairs, %" PRIu64 " cells\n", pair_count, cell_count);
    fflush(stdout);
    if (count == 0 || count >= cell_count)
        run_all();
    else
        run_some(count, &dice);
    run_left_out(&dice);
    int missing = crash_report(CRASH_VICTIMS, role_names, list);
    printf("%ld runs, %d failures (%ld victims were over before their point, %ld not prepared)\n",
           total_runs, missing, total_over, total_unprepared);
    return missing ? 1 : 0;
}

static int run_only(const char *numbers)
{
    struct cell cell;

    if (sscanf(numbers, "%u.%u.%d.%u.%d.%d.%d", &cell.mode, &cell.op[A], &cell.pass[A], &cell.op[B],
               &cell.pass[B], &cell.order, &cell.start) != 7 ||
        cell.mode >= WORLD_MODES || cell.op[A] >= world_op_count || cell.op[B] >= world_op_count ||
        (unsigned)cell.start >= STARTS)
        return 2;
    printf(run_cell(&cell) ? "survived\n" : "cannot be prepared\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: crash_matrix COUNT [LIST [SEED]], or crash_matrix only CELL\n");
        return 2;
    }
    if (world_op_count > MAX_OPS || !crash_hooks_make())
        return 2;
    world_stay_here();
    world_patience_ns = FR_MS(20);
    world_may_time_out = true;
    if (strcmp(argv[1], "only") == 0 && argc == 3)
        return run_only(argv[2]);
    return run_matrix(strtoull(argv[1], NULL, 0), argc > 2 ? argv[2] : NULL,
                      argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)fr_now_ns());
}
