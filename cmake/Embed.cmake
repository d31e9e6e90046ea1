# embed(TARGET SYMBOL file...)
#   Compiles files into TARGET by .incbin. The C side sees, from "base/embed.h":
#     extern const struct embed_file SYMBOL[];   name = the file's name, ends with a NULL name
#   Nothing is opened at run time; a changed file rebuilds the object.
function(embed target symbol)
  set(assembly "${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S")
  set(data "    .section .rodata\n")
  set(table "")
  set(index 0)
  foreach(file ${ARGN})
    cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE path)
    cmake_path(GET path FILENAME name)
    string(APPEND data
      "    .balign 16\n.Lbegin${index}: .incbin \"${path}\"\n.Lend${index}: .byte 0\n"
      ".Lname${index}: .asciz \"${name}\"\n")
    string(APPEND table
      "    .quad .Lname${index}, .Lbegin${index}, .Lend${index} - .Lbegin${index}\n")
    list(APPEND inputs "${path}")
    math(EXPR index "${index} + 1")
  endforeach()
  file(CONFIGURE OUTPUT "${assembly}" CONTENT
"${data}
    .section .data.rel.ro, \"aw\"
    .balign 16
    .globl ${symbol}
    .type ${symbol}, %object
${symbol}:
${table}    .quad 0, 0, 0
    .size ${symbol}, . - ${symbol}
    .section .note.GNU-stack, \"\", %progbits
" @ONLY)
  set_source_files_properties("${assembly}" PROPERTIES OBJECT_DEPENDS "${inputs}")
  target_sources(${target} PRIVATE "${assembly}")
endfunction()
