# Compiler flags of the whole tree. A flag that one file needs (an instruction set of a kernel) is set beside that file.
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
# FH_ASSERT is on in every build, so no build type defines NDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O3 -g1" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1" CACHE STRING "" FORCE)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_options(
    # Bits: no contraction, and nothing of fast-math. Without errno a square root is one instruction instead of a libm call.
    -ffp-contract=off -fno-math-errno
    # __FILE__ is relative to the source tree.
    "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")

set(fh_warnings
    # both compilers, C and C++
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wvla -Walloca -Wformat=2 -Wwrite-strings -Wpointer-arith
    -Wcast-qual -Wcast-align -Wimplicit-fallthrough -Wmissing-declarations -Werror)
set(fh_c_warnings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wswitch-enum)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND fh_c_warnings -Wuse-after-free=3 -Wdangling-pointer=2 -Warray-bounds=2 -Wstringop-overflow=4 -Wtrampolines
        -Wnested-externs -Wredundant-decls -Wduplicated-cond)
else()
    list(APPEND fh_c_warnings -Wunreachable-code-aggressive -Wcast-function-type-strict -Wloop-analysis -Wshift-sign-overflow
        -Wnull-pointer-arithmetic -Warray-bounds-pointer-arithmetic -Wassign-enum)
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:C>:${fh_warnings};${fh_c_warnings}>")

# What the compiler and the linker offer against exploits, where no sanitizer stands in the way: canaries on stacks, no variable
# that holds what its place held before, indirect jumps only to where one may land, arrays of a fixed size that end where they
# say, and are not left. docs/PERF.md has what it costs.
if(NOT FH_SANITIZE AND NOT FH_FUZZ)
    add_compile_options(-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
    include(CheckCCompilerFlag)
    foreach(flag IN ITEMS -fcf-protection=full -fstrict-flex-arrays=3) # x86; clang, and gcc from 13 on
        string(MAKE_C_IDENTIFIER "FH_HAS${flag}" has)
        check_c_compiler_flag(${flag} ${has})
        if(${has})
            add_compile_options(${flag})
        endif()
    endforeach()
    # Outside the audited rooms (layers.cmake), an index past the end of an array ends the program before the access, with a
    # report. Nothing of the sanitizer's library is linked: src/base/status.c has the report.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        set(FH_BOUNDS -fsanitize=bounds-strict -fno-sanitize-recover=bounds-strict -DFH_BOUNDS)
    else()
        set(FH_BOUNDS -fsanitize=array-bounds -fno-sanitize-recover=array-bounds -DFH_BOUNDS)
    endif()
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    endif()
endif()

if(FH_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(FH_SANITIZE)
    add_compile_options(-fsanitize=${FH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${FH_SANITIZE})
endif()
