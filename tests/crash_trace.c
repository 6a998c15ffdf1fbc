/* SPDX-License-Identifier: MIT */
/* Stopping a process before the k-th instruction of what it does: see crash_trace.h. */
#define _GNU_SOURCE
#include "crash_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

/* ---- Going on ------------------------------------------------------------------------------- */

/* Until it stops because of us; signals of others stop a traced process too, and are not ours. */
static enum trace_end resume(pid_t victim, enum __ptrace_request how, int *status)
{
    do {
        if (ptrace(how, victim, NULL, NULL) < 0 || waitpid(victim, status, 0) != victim)
            return TRACE_LOST;
    } while (WIFSTOPPED(*status) && WSTOPSIG(*status) != SIGTRAP);
    if (WIFSTOPPED(*status))
        return TRACE_THERE;
    return WIFEXITED(*status) && WEXITSTATUS(*status) == 0 ? TRACE_OVER : TRACE_DIED;
}

enum trace_end trace_single_steps(pid_t victim, long k, int *status)
{
    enum trace_end end = TRACE_THERE;

    for (long i = 0; i < k && end == TRACE_THERE; i++)
        end = resume(victim, PTRACE_SINGLESTEP, status);
    return end;
}

#ifdef __x86_64__

#define BREAK UINT64_C(0xcc)

static bool get_place(pid_t victim, uint64_t *pc, uint64_t *sp)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, victim, NULL, &registers) < 0)
        return false;
    *pc = registers.rip;
    *sp = registers.rsp;
    return true;
}

static bool set_pc(pid_t victim, uint64_t pc)
{
    return ptrace(PTRACE_POKEUSER, victim, offsetof(struct user_regs_struct, rip), pc) == 0;
}

#else

#define BREAK UINT64_C(0)

static bool get_place(pid_t victim, uint64_t *pc, uint64_t *sp)
{
    (void)victim;
    *pc = *sp = 0;
    return true;
}

static bool set_pc(pid_t victim, uint64_t pc)
{
    (void)victim;
    (void)pc;
    return false;
}

#endif

/* ---- The trace ------------------------------------------------------------------------------ */

/* The kernel's code in each process. */
static uint64_t vdso_start;
static uint64_t vdso_end;

static void find_vdso(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && fgets(line, sizeof line, maps)) {
        if (strstr(line, "[vdso]"))
            sscanf(line, "%" SCNx64 "-%" SCNx64, &vdso_start, &vdso_end);
    }
    if (maps)
        fclose(maps);
}

static bool is_vdso(const struct trace_step *step)
{
    return step->pc >= vdso_start && step->pc < vdso_end;
}

/*
 * The kernel's clock is read again if the kernel wrote it meanwhile. That happens all the time to a
 * process that is stepped, and hardly ever to one that runs: what was repeated is taken out.
 */
static void forget_retries(struct trace *trace)
{
    const struct trace_step *last = &trace->step[trace->count - 1];

    if (!is_vdso(last))
        return;
    for (long i = trace->count - 2; i >= 0 && is_vdso(&trace->step[i]); i--) {
        if (trace->step[i].pc == last->pc) {
            trace->count = i + 1;
            return;
        }
    }
}

bool trace_make(struct trace *trace)
{
    void *memory = mmap(NULL, TRACE_MAX * sizeof *trace->step, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    find_vdso();
    *trace = (struct trace){ .step = memory };
    return memory != MAP_FAILED;
}

static const struct trace *sorted_trace;

static int by_pc_and_time(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left;
    int32_t b = *(const int32_t *)right;
    uint64_t pc_a = sorted_trace->step[a].pc;
    uint64_t pc_b = sorted_trace->step[b].pc;

    if (pc_a != pc_b)
        return pc_a < pc_b ? -1 : 1;
    return a < b ? -1 : 1;
}

static void count_occurrences(struct trace *trace)
{
    static int32_t order[TRACE_MAX];

    for (int32_t i = 0; i < trace->count; i++)
        order[i] = i;
    sorted_trace = trace;
    qsort(order, (size_t)trace->count, sizeof order[0], by_pc_and_time);
    for (long i = 0; i < trace->count; i++) {
        struct trace_step *step = &trace->step[order[i]];
        const struct trace_step *last = i > 0 ? &trace->step[order[i - 1]] : NULL;

        step->before = last && last->pc == step->pc ? last->before + 1 : 0;
    }
}

/*
 * A pass over a breakpoint costs two changes of process, a single step one: for an instruction late
 * in a loop it is cheaper to break in front of the loop and step from there.
 */
static void choose_anchors(struct trace *trace)
{
    int32_t best = 0;

    for (int32_t k = 0; k < trace->count; k++) {
        int32_t here = 2 * trace->step[k].before;
        int32_t from_best = 2 * trace->step[best].before + (k - best);

        if (here <= from_best)
            best = k;
        trace->step[k].anchor = best;
    }
}

enum trace_end trace_record(struct trace *trace, pid_t victim, int *status)
{
    enum trace_end end = TRACE_THERE;
    uint64_t pc;
    uint64_t start;
    uint64_t sp;

    trace->count = 0;
    if (!get_place(victim, &pc, &start))
        return TRACE_LOST;
    while (end == TRACE_THERE && trace->count < TRACE_MAX) {
        struct trace_step *step = &trace->step[trace->count++];

        if (!get_place(victim, &step->pc, &sp))
            return TRACE_LOST;
        step->depth = start - sp;
        forget_retries(trace);
        end = resume(victim, PTRACE_SINGLESTEP, status);
    }
    count_occurrences(trace);
    choose_anchors(trace);
    return end;
}

/* ---- Breakpoints ---------------------------------------------------------------------------- */

static bool write_text(pid_t victim, uint64_t address, uint64_t word)
{
    return ptrace(PTRACE_POKETEXT, victim, address, word) == 0;
}

static bool read_text(pid_t victim, uint64_t address, uint64_t *word)
{
    errno = 0;
    *word = (uint64_t)ptrace(PTRACE_PEEKTEXT, victim, address, NULL);
    return errno == 0;
}

/* To the next pass over the breakpoint; then the text is whole and the pc in front of it again. */
static enum trace_end to_breakpoint(pid_t victim, uint64_t address, uint64_t text, int *status)
{
    uint64_t pc;
    uint64_t sp;

    if (!write_text(victim, address, (text & ~UINT64_C(0xff)) | BREAK))
        return TRACE_LOST;
    enum trace_end end = resume(victim, PTRACE_CONT, status);
    if (end != TRACE_THERE)
        return end;
    if (!write_text(victim, address, text) || !get_place(victim, &pc, &sp) || pc != address + 1 ||
        !set_pc(victim, address))
        return TRACE_LOST;
    return TRACE_THERE;
}

/* The stop before the first instruction is where the victim waits. */
static enum trace_end to_anchor(const struct trace_step *anchor, pid_t victim, int *status)
{
    enum trace_end end = TRACE_THERE;
    uint64_t text;

    if (!read_text(victim, anchor->pc, &text))
        return TRACE_LOST;
    for (int32_t pass = 0; pass <= anchor->before && end == TRACE_THERE; pass++) {
        if (pass > 0)
            end = resume(victim, PTRACE_SINGLESTEP, status);
        if (end == TRACE_THERE)
            end = to_breakpoint(victim, anchor->pc, text, status);
    }
    return end;
}

enum trace_end trace_run(const struct trace *trace, pid_t victim, long k, int *status)
{
    const struct trace_step *goal = &trace->step[k];
    enum trace_end end = TRACE_THERE;
    uint64_t pc;
    uint64_t start;
    uint64_t sp;

    if (!get_place(victim, &pc, &start))
        return TRACE_LOST;
    if (goal->anchor > 0)
        end = to_anchor(&trace->step[goal->anchor], victim, status);
    if (end == TRACE_THERE)
        end = trace_single_steps(victim, k - goal->anchor, status);
    if (end != TRACE_THERE)
        return end;
    bool is_there = get_place(victim, &pc, &sp) && pc == goal->pc && start - sp == goal->depth;
    return is_there ? TRACE_THERE : TRACE_LOST;
}
