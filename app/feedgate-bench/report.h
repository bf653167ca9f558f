/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

/* Replace this process by feedgate-bench-report, with the same arguments. @return the exit status
 * if that fails. */
int report_main(int argc, char **argv);

#endif /* REPORT_H */
