# floor(NAME SOURCES file... [USES floor...] [LIBRARIES target...])
#   One static library per folder of daemon/. USES names the floors below that the folder
#   includes; LIBRARIES the outside libraries it may use. tests/arch checks both against its table,
#   so a wrong line here fails a test, not a review.
function(floor name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(memtend_${name} STATIC ${arg_SOURCES})
  target_include_directories(memtend_${name} PUBLIC "${PROJECT_SOURCE_DIR}/daemon")
  list(TRANSFORM arg_USES PREPEND memtend_)
  target_link_libraries(memtend_${name} PUBLIC ${arg_USES} PRIVATE memtend_warnings ${arg_LIBRARIES})
endfunction()
