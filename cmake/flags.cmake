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
    # __FILE__ is relative to the source tree, so that two checkouts build the same bytes.
    "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")

set(fh_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wvla -Werror)
add_compile_options("$<$<COMPILE_LANGUAGE:C>:${fh_warnings};-Wstrict-prototypes;-Wmissing-prototypes;-Wswitch-enum>")

# What the compiler and the linker offer against exploits, where no sanitizer stands in the way.
if(NOT FH_SANITIZE AND NOT FH_FUZZ)
    add_compile_options(-fstack-protector-strong)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
endif()

if(FH_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(FH_SANITIZE)
    add_compile_options(-fsanitize=${FH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${FH_SANITIZE})
endif()
