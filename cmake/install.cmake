# What `cmake --install` puts where: headers, both libraries, the program, freehold.pc.
include(GNUInstallDirs)
install(TARGETS freehold_static freehold_shared)
install(DIRECTORY include/freehold TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
# deed and its header need nothing else: cmake --install build/release --component deed
install(FILES include/freehold/deed.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/freehold" COMPONENT deed)
if(SODIUM_FOUND)
    set(FH_PC_SODIUM " libsodium")
endif()
configure_file(cmake/freehold.pc.in freehold.pc @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/freehold.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
