# A folder of src/ is a layer, a layer has a rank, and includes point down only. This file is that law for the build;
# tools/tidy, which reads the same calls, is that law for each #include.
#
#   fh_layer(NAME mem RANK 2 USES base os HEADERS alloc.h SOURCES heap.c)
#       makes the object library fh_mem from src/mem; HEADERS are the files of include/freehold that it implements.
#   fh_program(NAME freehold SOURCES main.c)
#       makes a program over the static library and the layers of rank 6 (target freehold-cli for freehold), installed with all
#       else or, as the component of its name, alone.
find_package(Threads REQUIRED)

# Layers of this rank and above belong to programs; those below make up the library.
set(FH_RANK_PROGRAMS 6)

function(fh_layer)
    cmake_parse_arguments(PARSE_ARGV 0 L "" "NAME;RANK" "USES;HEADERS;SOURCES")
    if(L_UNPARSED_ARGUMENTS OR NOT L_NAME OR NOT DEFINED L_RANK OR NOT L_SOURCES)
        message(FATAL_ERROR "fh_layer needs NAME, RANK and SOURCES; not understood: '${L_UNPARSED_ARGUMENTS}'")
    endif()
    foreach(use IN LISTS L_USES)
        get_property(rank GLOBAL PROPERTY FH_RANK_${use})
        if("${rank}" STREQUAL "")
            message(FATAL_ERROR "layer ${L_NAME} (rank ${L_RANK}) uses '${use}', which is no layer declared before it")
        elseif(NOT rank LESS L_RANK)
            message(FATAL_ERROR "layer ${L_NAME} (rank ${L_RANK}) may not use ${use} (rank ${rank}): includes point down only")
        endif()
    endforeach()
    foreach(header IN LISTS L_HEADERS)
        get_property(owner GLOBAL PROPERTY FH_OWNER_${header})
        if(owner)
            message(FATAL_ERROR "header ${header} belongs to both ${owner} and ${L_NAME}")
        elseif(NOT EXISTS "${CMAKE_SOURCE_DIR}/include/freehold/${header}")
            message(FATAL_ERROR "layer ${L_NAME} owns ${header}, which is not in include/freehold")
        endif()
        set_property(GLOBAL PROPERTY FH_OWNER_${header} ${L_NAME})
    endforeach()
    set_property(GLOBAL PROPERTY FH_RANK_${L_NAME} ${L_RANK})
    set_property(GLOBAL APPEND PROPERTY FH_LAYERS ${L_NAME})

    add_library(fh_${L_NAME} OBJECT ${L_SOURCES})
    target_include_directories(fh_${L_NAME} PUBLIC "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src")
    fh_check_arrays(${L_NAME} ${L_SOURCES})
endfunction()

# What deed accepts an index for that it cannot prove: the compiler checks it, in every source outside the rooms that deed.toml
# lists as folders. (Sanitizer builds have it from their sanitizer.)
function(fh_check_arrays layer)
    if(NOT layer MATCHES "^(mem|os)$")
        list(FILTER ARGN EXCLUDE REGEX "^kern/")
        set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS ${FH_BOUNDS})
    endif()
endfunction()

# The library from all layers declared so far: targets freehold_static and freehold_shared.
function(fh_libraries)
    get_property(layers GLOBAL PROPERTY FH_LAYERS)
    set(objects "")
    foreach(layer IN LISTS layers)
        list(APPEND objects "$<TARGET_OBJECTS:fh_${layer}>")
    endforeach()
    add_library(freehold_static STATIC ${objects})
    add_library(freehold_shared SHARED ${objects})
    foreach(target IN ITEMS freehold_static freehold_shared)
        set_target_properties(${target} PROPERTIES OUTPUT_NAME freehold LINKER_LANGUAGE C)
        target_include_directories(${target} INTERFACE
            "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include>")
        target_link_libraries(${target} PUBLIC Threads::Threads)
    endforeach()
    set_target_properties(freehold_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    # Every symbol is resolved, and -lm is not given: this link proves that no layer of the library calls libm.
    if(NOT FH_SANITIZE AND NOT FH_FUZZ)
        target_link_options(freehold_shared PRIVATE -Wl,-z,defs)
    endif()
endfunction()

# Links what a program or a test of the given layer needs: layers of programs are not in the library.
function(fh_link_layer target layer)
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/src")
    if(TARGET fh_${layer})
        get_property(rank GLOBAL PROPERTY FH_RANK_${layer})
        if(NOT rank LESS FH_RANK_PROGRAMS)
            target_link_libraries(${target} PRIVATE fh_${layer})
        endif()
    endif()
    target_link_libraries(${target} PRIVATE freehold_static)
endfunction()

function(fh_program)
    cmake_parse_arguments(PARSE_ARGV 0 P "" "NAME" "SOURCES")
    if(P_UNPARSED_ARGUMENTS OR NOT P_NAME OR NOT P_SOURCES)
        message(FATAL_ERROR "fh_program needs NAME and SOURCES; not understood: '${P_UNPARSED_ARGUMENTS}'")
    endif()
    get_filename_component(layer "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
    add_executable(${P_NAME}-cli ${P_SOURCES})
    fh_check_arrays(${layer} ${P_SOURCES})
    set_target_properties(${P_NAME}-cli PROPERTIES OUTPUT_NAME ${P_NAME} RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    fh_link_layer(${P_NAME}-cli ${layer})
    install(TARGETS ${P_NAME}-cli COMPONENT ${P_NAME})
endfunction()
