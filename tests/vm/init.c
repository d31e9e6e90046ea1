/* SPDX-License-Identifier: MIT */
/*
 * Pid 1 of the virtual machine's first moments, alone in its initial file system: loads the modules
 * that the cloud kernel needs to see its disk (listed in /modules, in order), then gives way to
 * systemd on that disk. Static.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK       "/dev/vda"
#define DISK_TRIES 300 /* of 100 ms: an emulated processor on a busy machine is slow */

static void die(const char *what)
{
    printf("init: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    pause();
}

static void load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
        die(path);
    close(fd);
}

static void load_all(void)
{
    char line[128];
    FILE *list = fopen("/modules", "re");
    if (!list)
        die("/modules");
    while (fgets(line, sizeof(line), list)) {
        line[strcspn(line, "\n")] = '\0';
        load(line);
    }
    fclose(list);
}

static void mount_disk(void)
{
    for (int i = 0; i < DISK_TRIES; i++) {
        if (mount(DISK, "/disk", "ext4", 0, NULL) == 0)
            return;
        usleep(100000);
    }
    die("mount " DISK);
}

int main(void)
{
    static const char *const places[] = {"/dev", "/disk"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        mkdir(places[i], 0755);
    if (mount("dev", "/dev", "devtmpfs", 0, NULL) < 0)
        die("mount /dev");
    load_all();
    mount_disk();
    if (mount("/dev", "/disk/dev", NULL, MS_MOVE, NULL) < 0 || chdir("/disk") < 0 ||
        mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
        die("change to the disk");
    execl("/sbin/init", "init", (char *)NULL);
    die("/sbin/init");
    return 1;
}
