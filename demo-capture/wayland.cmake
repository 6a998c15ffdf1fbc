# SPDX-License-Identifier: MIT
#
# framering_wayland(TARGET client|server PROTOCOL...): gives a target the C of Wayland protocols, each
# made by wayland-scanner from NAME.xml, and links that side's library. framering_has_wayland says
# whether what that takes is there.

find_package(PkgConfig REQUIRED)
pkg_check_modules(WAYLAND_CLIENT IMPORTED_TARGET wayland-client)
pkg_check_modules(WAYLAND_SERVER IMPORTED_TARGET wayland-server)
pkg_check_modules(WAYLAND_PROTOCOLS wayland-protocols)
find_program(WAYLAND_SCANNER wayland-scanner)
if(WAYLAND_CLIENT_FOUND AND WAYLAND_SERVER_FOUND AND WAYLAND_PROTOCOLS_FOUND AND WAYLAND_SCANNER)
    set(framering_has_wayland ON)
    pkg_get_variable(folder wayland-protocols pkgdatadir)
    set(framering_xdg_output ${folder}/unstable/xdg-output/xdg-output-unstable-v1.xml)
    set(framering_xdg_shell ${folder}/stable/xdg-shell/xdg-shell.xml)
    set(framering_screencopy ${CMAKE_CURRENT_LIST_DIR}/protocol/wlr-screencopy-unstable-v1.xml)
else()
    set(framering_has_wayland OFF)
endif()

function(framering_wayland target side)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/wayland/${target})
    file(MAKE_DIRECTORY ${made})
    foreach(protocol IN LISTS ARGN)
        get_filename_component(name ${protocol} NAME_WE)
        foreach(kind ${side}-header private-code)
            if(kind STREQUAL private-code)
                set(file ${made}/${name}.c)
            else()
                set(file ${made}/${name}.h)
            endif()
            add_custom_command(OUTPUT ${file}
                COMMAND ${WAYLAND_SCANNER} ${kind} ${protocol} ${file}
                DEPENDS ${protocol}
                VERBATIM)
            list(APPEND files ${file})
        endforeach()
    endforeach()
    string(TOUPPER ${side} library)
    target_sources(${target} PRIVATE ${files})
    target_include_directories(${target} SYSTEM PRIVATE ${made})
    target_link_libraries(${target} PRIVATE PkgConfig::WAYLAND_${library})
endfunction()
