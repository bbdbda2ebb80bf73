// SPDX-License-Identifier: GPL-2.0
/* mutex_static [KIND] - mutex_abba, linked statically */
#include "mutex_abba.c"
