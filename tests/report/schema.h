/* SPDX-License-Identifier: GPL-2.0 */
/*
 * schema - checks JSON documents against a JSON Schema, as much of it as locklab.schema.json uses
 */
#ifndef LOCKLAB_TESTS_REPORT_SCHEMA_H
#define LOCKLAB_TESTS_REPORT_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * user/report/locklab.schema.json as it was when this was built. Return: new reference, NULL if it
 * is no JSON.
 */
json_t *schema_load(void);

/**
 * schema_check() - whether a document is what the schema says
 * @strict: a key that the schema does not describe is wrong too
 * @why: receives where and what, if not
 *
 * A keyword of the schema that is not understood here makes every document wrong: nothing is passed
 * over in silence.
 */
bool schema_check(json_t *schema, json_t *document, bool strict, char *why, size_t why_size);

#endif
