# Reads the #include lines of the library, the bridge and the demos, and fails with file and line on
# one that leads upwards, past the public headers, or to the operating system from the wrong place.
#   cmake -D SOURCE=<top of the tree> -P check_floors.cmake
cmake_minimum_required(VERSION 3.25)

# The house. A new file of lib/src is one word in its floor's list.
#
#   floor(NAME FILES file... USES floor-or-file...)
#
# A file may include its own floor, what its floor uses, the public header and headers of C11.
set(floors "")
macro(floor name)
    cmake_parse_arguments(floor_${name} "" "" "FILES;USES" ${ARGN})
    list(APPEND floors ${name})
    foreach(file IN LISTS floor_${name}_FILES)
        set(floor_of_${file} ${name})
    endforeach()
endmacro()

floor(base # 0
    FILES base.h atomic.h copy.c copy.h error.c error.h log.c log.h opts.c opts.h point.h version.c)
floor(platform # 1
    FILES platform.h platform_cancel.h platform_fork.c platform_linux.c platform_memory.c
          platform_socket.c
    USES base)
floor(object # 2
    FILES descriptor.c identity.c identity.h layout.h name.c name.h object.c object.h share.c share.h
    USES base platform)
floor(sync # 3
    FILES event.c event.h rwlock.c rwlock.h
    USES base platform layout.h)
floor(handle # 4: regions and rings
    FILES access.c claim.c order.c order.h recover.c region.c region.h ring.h ring_read.c
          ring_write.c seat.c seat.h slot.h stats.c take.c tally.h
    USES base platform object sync)
floor(frame # 5
    FILES format.c format.h frame.c inspect.c meta.c meta.h
    USES base platform object sync handle)

# Files that may include more: a regular expression of the names between < and >.
set(system_platform_linux.c "^[a-z/_]+\\.h$")
set(system_platform_memory.c "^[a-z/_]+\\.h$")
set(system_platform_socket.c "^[a-z/_]+\\.h$")
set(system_copy.c "^emmintrin\\.h$")
set(system_share.c "^pthread\\.h$")
set(system_platform_fork.c "^pthread\\.h$")
set(system_platform_cancel.h "^pthread\\.h$")

set(c11 "^(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal")
string(APPEND c11 "|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn")
string(APPEND c11 "|string|tgmath|threads|time|uchar|wchar|wctype)\\.h$")

function(problem place text)
    message(NOTICE "${place}: ${text}")
    set_property(GLOBAL APPEND PROPERTY problems ${place})
endfunction()

# Calls look(NAME PLACE) for each line of interest of a file: an include of name, with its < or ",
# or the words define _GNU_SOURCE.
function(read_includes path look)
    file(READ ${SOURCE}/${path} text)
    # What CMake's lists would take for their own.
    string(REGEX REPLACE "[];[\\\\]" "?" text "${text}")
    string(REPLACE "\n" ";" lines "${text}")
    set(number 0)
    foreach(line IN LISTS lines)
        math(EXPR number "${number} + 1")
        if(line MATCHES "^[ \t]*#[ \t]*include[ \t]*([<\"][^>\"]+)[>\"]")
            cmake_language(CALL ${look} "${CMAKE_MATCH_1}" "${path}:${number}")
        elseif(line MATCHES "^[ \t]*#[ \t]*include")
            problem("${path}:${number}" "an include of a macro hides where it leads")
        elseif(line MATCHES "^[ \t]*#[ \t]*define[ \t]+_GNU_SOURCE")
            cmake_language(CALL ${look} "_GNU_SOURCE" "${path}:${number}")
        endif()
    endforeach()
endfunction()

# lib/src -----------------------------------------------------------------------------------------

function(look_in_library include place)
    string(REGEX REPLACE "^.*/([^/:]+):[0-9]+$" "\\1" file ${place})
    set(own ${floor_of_${file}})
    if(include STREQUAL "_GNU_SOURCE")
        if(NOT file MATCHES "^platform_")
            problem(${place} "only the platform's files define _GNU_SOURCE")
        endif()
        return()
    endif()

    string(SUBSTRING ${include} 0 1 bracket)
    string(SUBSTRING ${include} 1 -1 name)
    if(bracket STREQUAL "<")
        if(NOT name MATCHES "^framering/(framering|meta)\\.h$" AND NOT name MATCHES "${c11}"
           AND NOT (DEFINED system_${file} AND name MATCHES "${system_${file}}"))
            problem(${place} "<${name}> is neither C11 nor ours; platform.h leads to the system")
        endif()
        return()
    endif()

    set(theirs ${floor_of_${name}})
    if("${theirs}" STREQUAL "")
        problem(${place} "\"${name}\" is on no floor")
    elseif(NOT theirs STREQUAL own AND NOT theirs IN_LIST floor_${own}_USES
           AND NOT name IN_LIST floor_${own}_USES)
        problem(${place} "floor ${own} may not use \"${name}\" of floor ${theirs}")
    endif()
endfunction()

file(GLOB files RELATIVE ${SOURCE}/lib/src ${SOURCE}/lib/src/*)
if(NOT files)
    message(FATAL_ERROR "${SOURCE}/lib/src: no files; is SOURCE the top of the tree?")
endif()
foreach(file IN LISTS files)
    if(DEFINED floor_of_${file})
        read_includes(lib/src/${file} look_in_library)
    else()
        problem(lib/src/${file}:1 "on no floor; add it to tests/check_floors.cmake")
    endif()
endforeach()
foreach(name IN LISTS floors)
    foreach(file IN LISTS floor_${name}_FILES)
        if(NOT file IN_LIST files)
            problem(tests/check_floors.cmake:1 "floor ${name} lists ${file}, which does not exist")
        endif()
    endforeach()
endforeach()

# The bridge and the demos: public headers, and whatever is installed -----------------------------

# A file of the same folder, or of another demo's.
function(check_neighbour name place)
    get_filename_component(folder ${place} DIRECTORY)
    get_filename_component(path ${name} NAME)
    foreach(neighbour IN ITEMS ${folder} ${ARGN})
        if(EXISTS ${SOURCE}/${neighbour}/${path})
            return()
        endif()
    endforeach()
    if(NOT DEFINED floor_of_${path})
        return() # made by the build
    endif()
    problem(${place} "\"${name}\" is private to lib/src; use the public headers")
endfunction()

function(look_outside include place)
    string(SUBSTRING ${include} 1 -1 name)
    if(include MATCHES "^<framering/"
       AND NOT include MATCHES "^<framering/(framering|meta|typed|av)\\.h$")
        problem(${place} "<${name}> is no public header")
    elseif(include MATCHES "(^.|/)(lib|src)/")
        problem(${place} "${name} leads into the library")
    elseif(include MATCHES "^\"")
        check_neighbour(${name} ${place} demo-capture demo-viewer)
    endif()
endfunction()

file(GLOB users RELATIVE ${SOURCE} ${SOURCE}/lib/av/*.[ch] ${SOURCE}/demo-*/*.[ch])
foreach(file IN LISTS users)
    read_includes(${file} look_outside)
endforeach()

get_property(problems GLOBAL PROPERTY problems)
list(LENGTH problems count)
if(count GREATER 0)
    message(FATAL_ERROR "${count} includes or files that do not fit the floors, see above")
endif()
