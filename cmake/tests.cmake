# Tests, benchmarks and fuzz targets.
#
#   fh_test(NAME test_arena LAYER mem SOURCES test_arena.c [LABELS race] [TIMEOUT 60])
#       a cmocka program in ctest. It sees FREEHOLD_DATA_DEFAULT, FREEHOLD_MODELS, FREEHOLD_GOLDEN and FREEHOLD_PROGRAM.
#   fh_bench(NAME bench_pool LAYER mem SOURCES bench_pool.c)
#       a program that ctest does not run; the target `bench` runs them all, one at a time.
#   fh_fuzz(NAME fuzz_json LAYER text SOURCES fuzz_json.c [RUNS 20000] [TIMEOUT 60])
#       a libFuzzer program under FH_FUZZ; elsewhere a ctest that replays the target's own seeds and RUNS mutations of them
#       (tests/support/fuzz_main.c says what a target defines).
#   fh_weave(NAME weave_ring SOURCES weave_ring.c [UNDER ring.c])
#       a program of the interleaving explorer (tests/weave/weave.h) over files, from src/mem, which it compiles with FH_WEAVE.
#       Its coroutines are beyond the sanitizers.
set(FH_DATA "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH "Real models and tokenizers for tests that skip without them")
# Seconds; a build without optimisation or with a sanitizer gets four times as many.
set(FH_TEST_TIMEOUT 300)

# Languages and packages that only tests need.
macro(fh_test_setup)
    enable_language(CXX)
    # The distribution's interpreter first: tools/setup installs its modules there.
    find_program(FH_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
    find_program(FH_PYTHON python3 REQUIRED)
    find_library(FH_CMOCKA cmocka REQUIRED)
    cmake_path(ABSOLUTE_PATH FH_DATA NORMALIZE)
    add_custom_target(bench COMMENT "All benchmarks, one after another")
endmacro()

function(fh_test_target target layer)
    target_link_libraries(${target} PRIVATE fh_test_support)
    fh_link_layer(${target} "${layer}")
    target_compile_definitions(${target} PRIVATE
        FREEHOLD_DATA_DEFAULT="${FH_DATA}"
        FREEHOLD_MODELS="${CMAKE_SOURCE_DIR}/models"
        FREEHOLD_GOLDEN="${CMAKE_SOURCE_DIR}/tests/golden"
        FREEHOLD_PROGRAM="${CMAKE_BINARY_DIR}/freehold")
    if(layer STREQUAL "apps")
        add_dependencies(${target} freehold-cli)
    endif()
endfunction()

# Registers `command…` with ctest under the given labels; exit code 77 is a skip. What may take longest begins first, so that no
# processor idles while the last test ends.
function(fh_add_test name layer labels timeout)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
        math(EXPR timeout "4 * ${timeout}")
    endif()
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS "${layer};${labels}" TIMEOUT ${timeout} COST ${timeout}
                         SKIP_RETURN_CODE 77)
endfunction()

function(fh_test)
    cmake_parse_arguments(PARSE_ARGV 0 T "" "NAME;LAYER;TIMEOUT" "SOURCES;LABELS")
    if(T_UNPARSED_ARGUMENTS OR NOT T_NAME OR NOT T_LAYER OR NOT T_SOURCES)
        message(FATAL_ERROR "fh_test needs NAME, LAYER and SOURCES; not understood: '${T_UNPARSED_ARGUMENTS}'")
    endif()
    if(FH_FUZZ)
        return()
    endif()
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT ${FH_TEST_TIMEOUT})
    endif()
    add_executable(${T_NAME} ${T_SOURCES})
    fh_test_target(${T_NAME} ${T_LAYER})
    fh_add_test(${T_NAME} ${T_LAYER} "${T_LABELS}" ${T_TIMEOUT} ${T_NAME})
endfunction()

function(fh_bench)
    cmake_parse_arguments(PARSE_ARGV 0 B "" "NAME;LAYER" "SOURCES")
    if(B_UNPARSED_ARGUMENTS OR NOT B_NAME OR NOT B_LAYER OR NOT B_SOURCES)
        message(FATAL_ERROR "fh_bench needs NAME, LAYER and SOURCES; not understood: '${B_UNPARSED_ARGUMENTS}'")
    endif()
    if(FH_FUZZ)
        return()
    endif()
    add_executable(${B_NAME} ${B_SOURCES})
    fh_test_target(${B_NAME} ${B_LAYER})
    add_custom_target(run_${B_NAME} COMMAND ${B_NAME} USES_TERMINAL)
    add_dependencies(bench run_${B_NAME})
endfunction()

function(fh_fuzz)
    cmake_parse_arguments(PARSE_ARGV 0 F "" "NAME;LAYER;RUNS;TIMEOUT" "SOURCES")
    if(F_UNPARSED_ARGUMENTS OR NOT F_NAME OR NOT F_LAYER OR NOT F_SOURCES)
        message(FATAL_ERROR "fh_fuzz needs NAME, LAYER and SOURCES; not understood: '${F_UNPARSED_ARGUMENTS}'")
    endif()
    if(NOT F_RUNS)
        set(F_RUNS 20000)
    endif()
    if(FH_SANITIZE AND NOT FH_FUZZ) # a tenth of the speed; the fuzzing build has a sanitizer and a minute for each
        math(EXPR F_RUNS "${F_RUNS} / 5")
    endif()
    if(NOT F_TIMEOUT)
        set(F_TIMEOUT ${FH_TEST_TIMEOUT})
    endif()
    set(replay ${F_NAME})
    if(FH_FUZZ)
        add_executable(${F_NAME} ${F_SOURCES})
        fh_test_target(${F_NAME} ${F_LAYER})
        target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
        set(replay ${F_NAME}_replay)
    endif()
    add_executable(${replay} ${F_SOURCES} "${CMAKE_SOURCE_DIR}/tests/support/fuzz_main.c")
    fh_test_target(${replay} ${F_LAYER})
    fh_add_test(${replay} ${F_LAYER} fuzz ${F_TIMEOUT} ${replay} --runs ${F_RUNS})
endfunction()

function(fh_weave)
    cmake_parse_arguments(PARSE_ARGV 0 W "" "NAME" "SOURCES;UNDER")
    if(W_UNPARSED_ARGUMENTS OR NOT W_NAME OR NOT W_SOURCES)
        message(FATAL_ERROR "fh_weave needs NAME and SOURCES; not understood: '${W_UNPARSED_ARGUMENTS}'")
    endif()
    if(FH_FUZZ OR FH_SANITIZE)
        return()
    endif()
    list(TRANSFORM W_UNDER PREPEND "${CMAKE_SOURCE_DIR}/src/mem/")
    add_executable(${W_NAME} ${W_SOURCES} ${W_UNDER} $<TARGET_OBJECTS:fh_weave_engine>)
    target_compile_definitions(${W_NAME} PRIVATE FH_WEAVE)
    target_include_directories(${W_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/tests/weave")
    fh_link_layer(${W_NAME} weave)
    fh_add_test(${W_NAME} weave "" ${FH_TEST_TIMEOUT} ${W_NAME})
endfunction()

# Compiles every public header alone, twice in a row, as C11 and as C++17.
function(fh_header_check)
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/include/freehold/*.h")
    set(sources "")
    foreach(header IN LISTS headers)
        get_filename_component(name "${header}" NAME_WE)
        foreach(suffix IN ITEMS c cpp)
            set(file "${CMAKE_BINARY_DIR}/headers/${name}_${suffix}.${suffix}")
            file(CONFIGURE OUTPUT "${file}" CONTENT
                "#include \"@header@\"\n#include \"@header@\"\nextern int fh_not_an_empty_file;\n" @ONLY)
            list(APPEND sources "${file}")
        endforeach()
    endforeach()
    add_library(fh_headers OBJECT ${sources})
    target_include_directories(fh_headers PRIVATE "${CMAKE_SOURCE_DIR}/include")
    target_compile_features(fh_headers PRIVATE cxx_std_17)
    target_compile_options(fh_headers PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror>")
endfunction()
