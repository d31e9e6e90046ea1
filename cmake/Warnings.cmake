# One interface target that every target of ours links: the warnings of the house.
add_library(memtend_warnings INTERFACE)
target_compile_definitions(memtend_warnings INTERFACE _GNU_SOURCE)
target_compile_options(memtend_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wformat=2 -Wno-format-nonliteral)
if(MEMTEND_DEVELOPER)
  target_compile_options(memtend_warnings INTERFACE -Werror)
endif()
