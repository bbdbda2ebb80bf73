// SPDX-License-Identifier: GPL-2.0
/*
 * schema - checks JSON documents against a JSON Schema, as much of it as locklab.schema.json uses
 */
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"

/* The makefile knows that this object is made of the schema, too. */
__asm__(".section .rodata\n"
	"schema_text:\n"
	"	.incbin \"user/report/locklab.schema.json\"\n"
	"schema_text_end:\n"
	".previous\n");
extern const char schema_text[], schema_text_end[];

struct check {
	json_t *root;
	bool strict;
	char *why;
	size_t why_size;
};

json_t *schema_load(void)
{
	return json_loadb(schema_text, (size_t)(schema_text_end - schema_text),
			  JSON_REJECT_DUPLICATES, NULL);
}

static bool wrong(struct check *c, const char *at, const char *format, ...)
{
	va_list ap;
	int n = snprintf(c->why, c->why_size, "%s: ", *at ? at : "/");

	if (n > 0 && (size_t)n < c->why_size) {
		va_start(ap, format);
		vsnprintf(c->why + n, c->why_size - (size_t)n, format, ap);
		va_end(ap);
	}
	return false;
}

static const char *type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

static bool has_type(json_t *type, const json_t *v)
{
	json_t *one;
	size_t i;

	if (json_is_string(type))
		return !strcmp(json_string_value(type), type_name(v));
	json_array_foreach(type, i, one)
		if (!strcmp(json_string_value(one), type_name(v)))
			return true;
	return false;
}

static bool matches(const char *pattern, const char *s)
{
	regex_t regex;
	bool yes;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	yes = !regexec(&regex, s, 0, NULL, 0);
	regfree(&regex);
	return yes;
}

static json_t *resolve(struct check *c, const char *reference)
{
	static const char prefix[] = "#/$defs/";

	if (strncmp(reference, prefix, sizeof(prefix) - 1))
		return NULL;
	return json_object_get(json_object_get(c->root, "$defs"), reference + sizeof(prefix) - 1);
}

static bool check(struct check *c, json_t *schema, json_t *v, const char *at);

static bool check_members(struct check *c, json_t *properties, json_t *v, const char *at)
{
	const char *key;
	json_t *member;

	json_object_foreach(v, key, member) {
		json_t *schema = json_object_get(properties, key);
		char below[512];

		snprintf(below, sizeof(below), "%s/%s", at, key);
		if (!schema && c->strict)
			return wrong(c, below, "not in the schema");
		if (schema && !check(c, schema, member, below))
			return false;
	}
	return true;
}

static bool check_items(struct check *c, json_t *schema, json_t *v, const char *at)
{
	json_t *item;
	size_t i;

	json_array_foreach(v, i, item) {
		char below[512];

		snprintf(below, sizeof(below), "%s/%zu", at, i);
		if (!check(c, schema, item, below))
			return false;
	}
	return true;
}

static bool is_one_of(json_t *values, json_t *v)
{
	json_t *one;
	size_t i;

	json_array_foreach(values, i, one)
		if (json_equal(one, v))
			return true;
	return false;
}

static bool has_keys(struct check *c, json_t *keys, json_t *v, const char *at)
{
	json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
		if (!json_object_get(v,
				     json_string_value(key)))
			return wrong(c, at, "no \"%s\"",
				     json_string_value(
					     key));
	return true;
}

static bool keyword(struct check *c, const char *word, json_t *value, json_t *v, const char *at)
{
	if (word[0] == '$' || !strcmp(word, "title") || !strcmp(word, "description")) {
		json_t *target;

		if (strcmp(word, "$ref"))
			return true;
		target = resolve(c, json_string_value(value));
		return target ? check(c, target, v, at)
			      : wrong(c, at, "no %s", json_string_value(value));
	}
	if (!strcmp(word, "type"))
		return has_type(value, v) || wrong(c, at, "is %s", type_name(v));
	if (!strcmp(word, "const"))
		return json_equal(value, v) || wrong(c, at, "is not the constant");
	if (!strcmp(word, "enum"))
		return is_one_of(value, v) ||
		       wrong(c, at, "\"%s\" is not one of those allowed",
			     json_is_string(v) ? json_string_value(v) : type_name(v));
	if (!strcmp(word, "minimum"))
		return !json_is_number(v) || json_number_value(v) >= json_number_value(value) ||
		       wrong(c, at, "%g is too small", json_number_value(v));
	if (!strcmp(word, "pattern"))
		return !json_is_string(v) ||
		       matches(json_string_value(value), json_string_value(v)) ||
		       wrong(c, at, "\"%s\" is not %s", json_string_value(v),
			     json_string_value(value));
	if (!strcmp(word, "required"))
		return !json_is_object(v) || has_keys(c, value, v, at);
	if (!strcmp(word, "properties"))
		return !json_is_object(v) || check_members(c, value, v, at);
	if (!strcmp(word, "items"))
		return !json_is_array(v) || check_items(c, value, v, at);
	return wrong(c, at, "the schema says '%s', which this checker does not know", word);
}

static bool check(struct check *c, json_t *schema, json_t *v, const char *at)
{
	const char *word;
	json_t *value;

	json_object_foreach(schema, word, value)
		if (!keyword(c, word, value, v, at))
			return false;
	return true;
}

bool schema_check(json_t *schema, json_t *document, bool strict, char *why, size_t why_size)
{
	struct check c = { .root = schema, .strict = strict, .why = why, .why_size = why_size };

	why[0] = 0;
	return check(&c, schema, document, "");
}
