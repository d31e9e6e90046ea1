/* SPDX-License-Identifier: MIT */
#include "program.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PROGRAM_LINE     256 /* the kernel reads no more of a #! line */
#define PROGRAM_SCRIPTS  5   /* nor follows more of them */
#define PROGRAM_SEGMENTS 64  /* a dozen is usual */
#define PROGRAM_ENTRIES  512 /* of the dynamic section; fifty is usual */
#define PROGRAM_NAME     64  /* enough of a library's name to know it */

static bool read_whole(int fd, void *bytes, size_t size, uint64_t offset)
{
    return pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* ---- finding ---- */

static bool is_executable_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

int program_find(const char *command, char ret_path[static PATH_MAX])
{
    const char *directories = getenv("PATH");
    if (strchr(command, '/'))
        return text_copy(ret_path, PATH_MAX, command) == strlen(command) ? 0 : -ENOENT;
    for (const char *at = directories ? directories : "/bin:/usr/bin"; at;) {
        size_t length = strcspn(at, ":");
        int n = length == 0 ? snprintf(ret_path, PATH_MAX, "%s", command)
                            : snprintf(ret_path, PATH_MAX, "%.*s/%s", (int)length, at, command);
        if (n < PATH_MAX && is_executable_file(ret_path))
            return 0;
        at = at[length] ? at + length + 1 : NULL;
    }
    return -ENOENT;
}

/* ---- rights ---- */

static bool gets_capabilities(const char *path)
{
    /* Real root has them all, so none are gained. */
    return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* As the kernel decides on AT_SECURE. */
static bool gets_rights(int fd, const char *path)
{
    struct stat status;
    struct statvfs mount;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || fstat(fd, &status) < 0)
        return false;
    if (fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_NOSUID))
        return false;
    bool user = (status.st_mode & S_ISUID) && status.st_uid != getuid();
    bool group =
        (status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid();
    return user || group || gets_capabilities(path);
}

/* ---- ELF ---- */

struct elf {
    int fd;
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[PROGRAM_SEGMENTS];
};

/* The file offset of an address in memory; 0 = nowhere. */
static uint64_t elf_offset(const struct elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz)
            return segment->p_offset + (address - segment->p_vaddr);
    }
    return 0;
}

static const ElfW(Phdr) * elf_segment(const struct elf *elf, uint32_t type)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++)
        if (elf->segments[i].p_type == type)
            return &elf->segments[i];
    return NULL;
}

static bool elf_needs(const struct elf *elf, const ElfW(Dyn) * entries, size_t count,
                      const char *prefix)
{
    uint64_t names = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].d_tag == DT_STRTAB)
            names = elf_offset(elf, entries[i].d_un.d_ptr);
    for (size_t i = 0; names && i < count; i++) {
        char name[PROGRAM_NAME] = "";
        if (entries[i].d_tag != DT_NEEDED)
            continue;
        if (pread(elf->fd, name, sizeof(name) - 1, (off_t)(names + entries[i].d_un.d_val)) > 0 &&
            text_starts_with(name, prefix))
            return true;
    }
    return false;
}

static bool elf_links_asan(const struct elf *elf)
{
    ElfW(Dyn) entries[PROGRAM_ENTRIES];
    const ElfW(Phdr) *dynamic = elf_segment(elf, PT_DYNAMIC);
    if (!dynamic || dynamic->p_filesz > sizeof(entries) ||
        !read_whole(elf->fd, entries, dynamic->p_filesz, dynamic->p_offset))
        return false;
    return elf_needs(elf, entries, dynamic->p_filesz / sizeof(entries[0]), "libasan.so");
}

static bool elf_has_musl(const struct elf *elf, const ElfW(Phdr) * interpreter)
{
    char path[PROGRAM_NAME] = "";
    size_t size = interpreter->p_filesz < sizeof(path) ? interpreter->p_filesz : sizeof(path) - 1;
    if (!read_whole(elf->fd, path, size, interpreter->p_offset))
        return false;
    return strstr(path, "/ld-musl-") != NULL;
}

/* Named as a command, the dynamic linker has no interpreter either, and does obey LD_PRELOAD. */
static bool is_dynamic_linker(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return text_starts_with(name, "ld") && strstr(name, ".so");
}

static void elf_judge(struct elf *elf, struct program *program)
{
    const ElfW(Ehdr) *header = &elf->header;
    if (header->e_phentsize != sizeof(elf->segments[0]) || header->e_phnum > PROGRAM_SEGMENTS ||
        !read_whole(elf->fd, elf->segments, header->e_phnum * sizeof(elf->segments[0]),
                    header->e_phoff))
        return;
    const ElfW(Phdr) *interpreter = elf_segment(elf, PT_INTERP);
    if (interpreter) {
        program->musl = elf_has_musl(elf, interpreter);
        program->asan = elf_links_asan(elf);
    } else if (!is_dynamic_linker(program->path)) {
        program->kind = PROGRAM_STATIC;
    }
}

/* This very program says what the processor is; class, byte order and machine are in front. */
static bool is_native(const ElfW(Ehdr) * header)
{
    ElfW(Ehdr) own;
    _cleanup_(closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !read_whole(fd, &own, sizeof(own), 0))
        return true;
    return header->e_ident[EI_CLASS] == own.e_ident[EI_CLASS] &&
           header->e_ident[EI_DATA] == own.e_ident[EI_DATA] && header->e_machine == own.e_machine;
}

bool program_is_native(const char *path)
{
    ElfW(Ehdr) header;
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read_whole(fd, &header, sizeof(header), 0) &&
           memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && is_native(&header);
}

static void judge(int fd, struct program *program)
{
    struct elf elf = {.fd = fd};
    if (!read_whole(fd, &elf.header, sizeof(elf.header), 0) ||
        memcmp(elf.header.e_ident, ELFMAG, SELFMAG) != 0)
        return;
    if (!is_native(&elf.header))
        program->kind = PROGRAM_FOREIGN;
    else
        elf_judge(&elf, program);
    if (program->kind == PROGRAM_PLAIN && gets_rights(fd, program->path))
        program->kind = PROGRAM_PRIVILEGED;
}

/* ---- scripts ---- */

/* The next word of a #! line, ended in place; NULL at its end. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    size_t length = strcspn(word, " \t\n");
    if (length == 0)
        return NULL;
    *at = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

/* The program that `#!/usr/bin/env NAME` asks for; false when it is not as simple as that. */
static bool follow_env(char *interpreter, char *argument, char ret_path[static PATH_MAX])
{
    const char *slash = strrchr(interpreter, '/');
    if (!argument || strcmp(slash ? slash + 1 : interpreter, "env") != 0)
        return false;
    return argument[0] != '-' && !strchr(argument, '=') && program_find(argument, ret_path) == 0;
}

/* Replaces the path by that of the interpreter; false when this is no script. */
static bool follow_script(int fd, char path[static PATH_MAX])
{
    char line[PROGRAM_LINE + 1] = "";
    if (pread(fd, line, PROGRAM_LINE, 0) < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[strcspn(line, "\n")] = '\0';
    char *at = line + 2;
    char *interpreter = next_word(&at);
    if (!interpreter)
        return false;
    if (!follow_env(interpreter, next_word(&at), path))
        text_copy(path, PATH_MAX, interpreter);
    return true;
}

void program_look(const char *path, struct program *ret_program)
{
    struct program program = {.kind = PROGRAM_PLAIN};
    text_copy(program.path, sizeof(program.path), path);
    for (int i = 0; i < PROGRAM_SCRIPTS; i++) {
        _cleanup_(closep) int fd = open(program.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
            break;
        if (follow_script(fd, program.path))
            continue;
        judge(fd, &program);
        break;
    }
    *ret_program = program;
}
