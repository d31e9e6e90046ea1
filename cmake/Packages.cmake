# Outside libraries, all from Debian 12. CMake never uses the network: what is absent is named
# together with the command that installs it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(need target module)
  pkg_check_modules(${target} IMPORTED_TARGET GLOBAL QUIET "${module}")
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} is not installed. Run: ./dev deps build")
  endif()
endfunction()

need(SQLITE "sqlite3>=3.40")
need(MICROHTTPD "libmicrohttpd>=0.9.75")
need(JANSSON "jansson>=2.14")
need(SYSTEMD "libsystemd>=252")
need(SECCOMP "libseccomp>=2.5")
need(CURL "libcurl>=7.88")
need(NCURSES "ncursesw>=6")
need(NETTLE "nettle>=3.8")
need(ZSTD "libzstd>=1.5")

find_path(JSMN_INCLUDE jsmn.h)
find_program(LEMON lemon)
if(NOT JSMN_INCLUDE OR NOT LEMON)
  message(FATAL_ERROR "libjsmn-dev or lemon is not installed. Run: ./dev deps build")
endif()

# jsmn is one header; lines are tokenised strictly (no primitives without quotes, no stray text).
add_library(jsmn INTERFACE)
target_include_directories(jsmn SYSTEM INTERFACE "${JSMN_INCLUDE}")
target_compile_definitions(jsmn INTERFACE JSMN_STATIC JSMN_STRICT)

if(MEMTEND_DEVELOPER)
  need(CMOCKA "cmocka>=1.1.5")
endif()
