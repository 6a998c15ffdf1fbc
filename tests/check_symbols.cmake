# Fails unless the same names are declared in public headers, listed in the map and exported by
# the shared library, and every global of the static library is fr_… or fri_….
#   cmake -D NM=nm -D FOLDER=… -D HEADERS=x.h,y.h -D MAP=x.map -D SHARED=libx.so [-D STATIC=libx.a]
#         -P check_symbols.cmake
cmake_minimum_required(VERSION 3.25)

function(problem text)
    message(NOTICE "${text}")
    set_property(GLOBAL APPEND PROPERTY problems one)
endfunction()

# The globals of a library, without their versions.
function(globals_of library out)
    execute_process(COMMAND ${NM} -P --defined-only ${ARGN} ${library}
                    OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]+" lines "${lines}")
    # nm -P: name, type, value, size. An archive's members have a heading; a version is of type A.
    list(FILTER lines INCLUDE REGEX "^[^ ]+ [B-Ziu]( |$)")
    list(TRANSFORM lines REPLACE "(@| ).*$" "")
    set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# Each name of the first list that the second lacks is a problem.
function(compare first is_there second is_not_there)
    foreach(name IN LISTS ${first})
        if(NOT name IN_LIST ${second})
            problem("${name}: ${is_there}, but ${is_not_there}")
        endif()
    endforeach()
endfunction()

set(text "")
string(REPLACE "," ";" files ${HEADERS})
foreach(file IN LISTS files)
    file(READ ${FOLDER}/${file} more)
    string(APPEND text "${more}")
endforeach()
string(REGEX MATCHALL "\nFR_API [^;(]*\\(" declared "${text}")
list(TRANSFORM declared REPLACE "^.*[ *](fr_[a-z0-9_]+)\\($" "\\1")
if(NOT declared)
    message(FATAL_ERROR "${HEADERS}: no line begins with FR_API; this check reads nothing")
endif()

file(READ ${MAP} text)
string(REPLACE ";" " " text "${text}")
string(REGEX MATCHALL "\n +fr_[a-z0-9_]+" mapped "${text}")
list(TRANSFORM mapped STRIP)

globals_of(${SHARED} exported -D)

compare(declared "declared in ${HEADERS}" mapped "not in ${MAP}")
compare(mapped "in ${MAP}" declared "not declared with FR_API in ${HEADERS}")
compare(declared "declared in ${HEADERS}" exported "not exported by ${SHARED}")
compare(exported "exported by ${SHARED}" declared "not declared in ${HEADERS}")

if(STATIC)
    globals_of(${STATIC} all -g)
    list(FILTER all EXCLUDE REGEX "^fri?_")
    foreach(name IN LISTS all)
        problem("${name}: a global of ${STATIC} that begins with neither fr_ nor fri_")
    endforeach()
endif()

get_property(problems GLOBAL PROPERTY problems)
if(problems)
    message(FATAL_ERROR "names differ, see above")
endif()
