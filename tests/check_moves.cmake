# SPDX-License-Identifier: MIT
#
# Fails if a load or store of typed.h becomes a call instead of plain moves.
#   cmake -D CC=<compiler> -D INCLUDE=<lib/include> -D SOURCE=<typed_moves.c> -P check_moves.cmake

execute_process(
    COMMAND "${CC}" -std=c11 -O2 -S "-I${INCLUDE}" -o - "${SOURCE}"
    OUTPUT_VARIABLE assembly
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} does not compile")
endif()

if(NOT assembly MATCHES "moves_pair_load:")
    message(FATAL_ERROR "the assembly holds no moves_pair_load; is it assembly at all?")
endif()

# Tail calls are jumps to a symbol; jumps inside a function go to a local label (.L…).
string(REGEX MATCHALL "\n[ \t]+(call|callq|bl|b|jmp)[ \t]+[^.\n][^\n]*" calls "${assembly}")
if(calls)
    message(FATAL_ERROR "typed.h calls where it should move:${calls}")
endif()
