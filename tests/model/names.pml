/* SPDX-License-Identifier: MIT */
/*
 * The life of a name as lib/src/object.c has it, for spin to try in every order of events.
 *
 * Each process wants to own an object of the same name: it makes one of its own (C1 and C2 are
 * nobody else's business), gives it the name or takes over a dead one's (C4, T1 to T3), and closes
 * it some time later (E1, E2). Each STEP is one call of the kernel and carries the name of its step
 * in object.h. Between any two steps others may go on, and at each step it may die instead.
 *
 * What has to hold in every state:
 *      - nobody removes the name of an object whose owner lives, but that owner,
 *      - at most one object that has or had the name has a living owner that has not closed it,
 * and when everybody is done or dead:
 *      - a name that is left is that of an object whose owner died.
 *
 * Parameters, for spin -D: OWNERS (2 to 4), DEATHS, and BROKEN, which is what is left out; the run
 * must fail then. BROKEN and DEATHS may also come from the environment of the verifier.
 */

#ifndef OWNERS
#define OWNERS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

/* One ingredient each. */
#define NOTHING 0
#define PROBE_WITHOUT_LOCK 1
#define NO_LOOK_AFTER_LOCKING 2
#define REMOVED_AFTER_UNLOCKING 3
#define NAMED_BEFORE_LOCKING 4

#ifndef BROKEN
#define BROKEN NOTHING
#endif

byte broken = BROKEN;
byte deaths_left = DEATHS;
#define WITHOUT(ingredient) (broken == ingredient)

/* Objects are numbered as the processes that made them; 0 is none, so both count from 1. */
byte name;                  /* which object has it */
byte locked_by[OWNERS + 1]; /* the owner bytes of an object: who holds them */
bit owns[OWNERS + 1];       /* it has got the name, lives and has not closed */
bit has_died[OWNERS + 1];
byte at_rest;

inline die()
{
    for (k : 1 .. OWNERS) {
        locked_by[k] = (locked_by[k] == me -> 0 : locked_by[k])
    }
    k = 0;
    deaths_left--;
    owns[me] = 0;
    has_died[me] = 1;
    at_rest++
}

/* See ring.pml for the skip. */
#define STEP if :: d_step { deaths_left > 0 -> die() }; goto dead :: atomic { skip;
#define END } fi

inline take_name()
{
    name = me;
    owns[me] = 1;
    for (k : 1 .. OWNERS) {
        assert(k == me || !owns[k])
    }
    k = 0
}

proctype Owner(byte me)
{
    byte other; /* whose object has the name that we want */
    byte k;

C3:     STEP
            if
            :: WITHOUT(NAMED_BEFORE_LOCKING)
            :: else -> locked_by[me] = me
            fi
        END;
C4:     STEP
            if
            :: name == 0 -> take_name(); goto named
            :: else
            fi
        END;
/* take_over: open what has the name now. */
        STEP
            other = name;
            if
            :: other == 0 -> goto C4
            :: else
            fi
        END;
T1:     STEP
            if
            :: locked_by[other] != 0 -> goto in_use
            :: locked_by[other] == 0 && WITHOUT(PROBE_WITHOUT_LOCK)
            :: locked_by[other] == 0 && !WITHOUT(PROBE_WITHOUT_LOCK) -> locked_by[other] = me
            fi
        END;
/* Is it still the one that has the name? */
        STEP
            if
            :: name == other || WITHOUT(NO_LOOK_AFTER_LOCKING)
            :: else -> goto unlock
            fi
        END;
T2:     STEP
            assert(name == 0 || !owns[name]);
            name = 0
        END;
unlock: STEP
            locked_by[other] = (locked_by[other] == me -> 0 : locked_by[other]);
            other = 0;
            goto C4
        END;

named:  STEP locked_by[me] = me END;
/* E1, then E2: is it still ours? */
        STEP
            owns[me] = 0;
            if
            :: WITHOUT(REMOVED_AFTER_UNLOCKING) -> locked_by[me] = 0
            :: else
            fi
        END;
        STEP
            if
            :: name == me
            :: else -> goto in_use
            fi
        END;
E2:     STEP
            assert(name == me);
            name = 0
        END;
in_use: STEP
            locked_by[me] = 0;
            other = 0;
            at_rest++
        END;
        false;

dead:   false
}

proctype Rest()
{
    byte k;

    d_step {
        at_rest == OWNERS ->
        assert(name == 0 || has_died[name]);
        for (k : 1 .. OWNERS) {
            assert(locked_by[k] == 0)
        }
    }
}

c_code {
    static int from_environment(const char *name, int otherwise)
    {
        const char *value = getenv(name);

        return value ? atoi(value) : otherwise;
    }
}

init {
    byte k;

    d_step {
        c_code {
            now.broken = from_environment("BROKEN", now.broken);
            now.deaths_left = from_environment("DEATHS", now.deaths_left);
        }
    };
    atomic {
        for (k : 1 .. OWNERS) {
            run Owner(k)
        }
        run Rest()
    }
}
