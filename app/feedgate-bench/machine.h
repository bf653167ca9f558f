/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_H
#define MACHINE_H

/* `machine`: print what this machine is. @return the exit status. */
int machine_main(int argc, char **argv);

#endif /* MACHINE_H */
