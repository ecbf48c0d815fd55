/* test.h - cmocka wants four headers before it, and include sorting would take them away. */
#ifndef FEEDD_TEST_H
#define FEEDD_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
