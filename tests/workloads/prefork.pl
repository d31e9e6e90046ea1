#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# A prefork server that is no Python: a master and workers that wait until it is gone.
# usage: prefork.pl [WORKERS]   default 3
use strict;
use warnings;

my $workers = shift // 3;
my @heap = (1) x 200_000;
for (1 .. $workers) {
    my $child = fork();
    die "fork: $!" unless defined $child;
    next if $child;
    sleep 1 while getppid() != 1 && @heap;
    exit 0;
}
sleep 1 while @heap;
