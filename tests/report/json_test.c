// SPDX-License-Identifier: GPL-2.0
/*
 * json_test - documents are what user/report/locklab.schema.json says, and lose no byte
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "report/picture.h"
#include "report/report.h"
#include "report/schema.h"
#include "report/scribble.h"

FIXTURE(json)
{
	json_t *schema;
	struct drawing d;
	json_t *document;
	char *text;
	char why[512];
};

FIXTURE_SETUP(json)
{
	self->schema = schema_load();
	ASSERT_NE(NULL, self->schema);
	drawing_cycle(&self->d, 2, LAB_MUTEX, 3);
}

FIXTURE_TEARDOWN(json)
{
	json_decref(self->document);
	json_decref(self->schema);
	free(self->text);
	drawing_free(&self->d);
}

static void take(FIXTURE_DATA(json) * self)
{
	json_decref(self->document);
	free(self->text);
	self->text = scribble_json(&self->d, false);
	self->document = json_loads(self->text, JSON_REJECT_DUPLICATES, NULL);
}

TEST_F(json, document_fits_the_schema)
{
	take(self);
	ASSERT_NE(NULL, self->document);
	EXPECT_TRUE(schema_check(self->schema, self->document, true, self->why, sizeof(self->why)))
	{
		TH_LOG("%s", self->why);
	}
}

/* A checker that passes everything would be no test. */
TEST_F(json, schema_notices_what_is_wrong)
{
	json_t *task, *finding;

	take(self);
	task = json_array_get(json_object_get(self->document, "tasks"), 1);
	finding = json_array_get(json_object_get(self->document, "findings"), 0);
#define WRONG(object, key, value, back)                                                  \
	do {                                                                             \
		json_object_set_new(object, key, value);                                 \
		EXPECT_FALSE(schema_check(self->schema, self->document, true, self->why, \
					  sizeof(self->why)));                           \
		json_object_set_new(object, key, back);                                  \
		EXPECT_TRUE(schema_check(self->schema, self->document, true, self->why,  \
					 sizeof(self->why)));                            \
	} while (0)
	WRONG(self->document, "locklab", json_integer(2), json_integer(1));
	WRONG(self->document, "verdict", json_string("maybe"), json_string("found"));
	WRONG(self->document, "lost_events", json_integer(-1), json_integer(0));
	WRONG(task, "tid", json_string("1"), json_integer(1));
	WRONG(task, "wait_mode", json_string("some"), json_null());
	WRONG(task, "waits_for", json_pack("[s]", "M1"), json_pack("[s]", "L1"));
	WRONG(finding, "remedy", json_string(""), json_string("x"));
	json_object_set_new(task, "surprise", json_null());
	EXPECT_FALSE(
		schema_check(self->schema, self->document, true, self->why, sizeof(self->why)));
	EXPECT_TRUE(
		schema_check(self->schema, self->document, false, self->why, sizeof(self->why)));
	json_object_del(task, "surprise");
	json_object_del(finding, "conditions");
	EXPECT_FALSE(
		schema_check(self->schema, self->document, false, self->why, sizeof(self->why)));
}

TEST_F(json, cycle_can_be_followed)
{
	json_t *finding, *tasks, *locks, *lock = NULL, *owner;
	size_t i, n;

	drawing_free(&self->d);
	drawing_cycle(&self->d, 5, LAB_MUTEX, 0);
	take(self);
	finding = json_array_get(json_object_get(self->document, "findings"), 0);
	tasks = json_object_get(finding, "tasks");
	locks = json_object_get(finding, "locks");
	n = json_array_size(tasks);
	ASSERT_EQ(5, n);
	for (i = 0; i < n; i++) {
		const char *id = json_string_value(json_array_get(locks, i));
		json_t *all = json_object_get(self->document, "locks");
		size_t j;

		json_array_foreach(all, j, lock) {
			if (!strcmp(id, json_string_value(json_object_get(lock, "id"))))
				break;
		}
		ASSERT_NE(NULL, lock);
		owner = json_array_get(json_object_get(lock, "owners"), 0);
		EXPECT_TRUE(json_equal(owner, json_array_get(tasks, (i + 1) % n)));
		EXPECT_TRUE(json_equal(json_array_get(json_object_get(lock, "waiters"), 0),
				       json_array_get(tasks, i)));
	}
}

/* The bytes of a string that is as report_json() writes it. Return: their number. */
static size_t bytes_of(const json_t *string, char *out)
{
	const unsigned char *s = (const unsigned char *)json_string_value(string);
	size_t n = 0;

	for (; *s; s++) {
		if ((*s == 0xc2 || *s == 0xc3) && s[1])
			out[n++] = (char)((*s & 3) << 6 | (s[1] & 0x3f)), s++;
		else
			out[n++] = (char)*s;
	}
	out[n] = 0;
	return n;
}

TEST_F(json, every_byte_comes_back)
{
	char comm[256], back[512];
	int i;

	for (i = 1; i < 256; i++)
		comm[i - 1] = (char)i;
	comm[255] = 0;
	self->d.p.tasks[0].comm = comm;
	take(self);
	ASSERT_NE(NULL, self->document);
	bytes_of(json_object_get(json_array_get(json_object_get(self->document, "tasks"), 0),
				 "comm"),
		 back);
	EXPECT_EQ(255, strlen(back));
	EXPECT_EQ(0, strcmp(back, comm));
}

TEST_F(json, valid_characters_are_kept_and_others_named)
{
	self->d.p.tasks[0].comm = "\xe6\x97\xa5\xff\x1b\xc2\x9b\xe2\x80\xae";
	take(self);
	EXPECT_NE(NULL, strstr(self->text, "\"\xe6\x97\xa5\\u00ff\\u001B\\u009b\\u202e\""))
	{
		TH_LOG("%.300s", strstr(self->text, "comm"));
	}
	self->d.p.tasks[0].comm = "\xf3\xa0\x80\x81"; /* U+E0001, a tag: a surrogate pair */
	take(self);
	ASSERT_NE(NULL, self->document);
	EXPECT_NE(NULL, strstr(self->text, "\\udb40\\udc01"));
	EXPECT_STREQ("\xf3\xa0\x80\x81",
		     json_string_value(json_object_get(
			     json_array_get(json_object_get(self->document, "tasks"), 0), "comm")));
}

TEST_F(json, a_line_is_a_line)
{
	self->d.p.tasks[0].comm = "a\nb";
	free(self->text);
	self->text = scribble_json(&self->d, true);
	EXPECT_EQ(strlen(self->text) - 1, (size_t)(strchr(self->text, '\n') - self->text));
}

TEST_F(json, keys_keep_their_order)
{
	static const char *const keys[] = { "\"locklab\"",
					    "\"mode\"",
					    "\"verdict\"",
					    "\"lost_events\"",
					    "\"not_seen\"",
					    "\"tasks\"",
					    "\"tgid\"",
					    "\"tid\"",
					    "\"comm\"",
					    "\"locks\"",
					    "\"groups\"",
					    "\"findings\"",
					    "\"kind\": \"deadlock\"",
					    "\"certainty\"" };
	const char *at;
	size_t i;

	take(self);
	at = self->text;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && at; i++)
		at = strstr(at, keys[i]);
	EXPECT_NE(NULL, at);
}

TEST_F(json, unknown_is_null)
{
	json_t *task;

	self->d.p.tasks[0].comm = NULL;
	self->d.p.tasks[0].state = '?';
	self->d.p.findings[0].conditions[2].holds = -1;
	take(self);
	task = json_array_get(json_object_get(self->document, "tasks"), 0);
	EXPECT_TRUE(json_is_null(json_object_get(task, "comm")));
	EXPECT_TRUE(json_is_null(json_object_get(task, "state")));
	EXPECT_TRUE(json_is_null(json_object_get(task, "wait_ns")));
	EXPECT_TRUE(json_is_null(json_object_get(task, "wait_mode")));
	EXPECT_TRUE(json_is_null(json_object_get(
		json_object_get(
			json_object_get(
				json_array_get(json_object_get(self->document, "findings"), 0),
				"conditions"),
			"no_preemption"),
		"holds")));
	EXPECT_TRUE(schema_check(self->schema, self->document, true, self->why, sizeof(self->why)));
}

TEST_F(json, spaces_have_their_forms)
{
	static const char *const forms[] = { "kernel", "mm:4711", "inode:4711:99", "task:4711" };
	u32 i;

	for (i = 0; i < 4; i++) {
		self->d.p.locks[0].space = (enum lab_space)i;
		self->d.p.locks[0].space_b = 99;
		take(self);
		EXPECT_STREQ(forms[i],
			     json_string_value(json_object_get(
				     json_array_get(json_object_get(self->document, "locks"), 0),
				     "space")));
	}
}

TEST_F_TIMEOUT(json, scribbles_fit_the_schema, 120)
{
	u64 seed;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (seed = 1; seed <= 200; seed++) {
		drawing_free(&self->d);
		scribble(&self->d, seed);
		take(self);
		ASSERT_NE(NULL, self->document)
		{
			TH_LOG("seed %llu", (unsigned long long)seed);
		}
		ASSERT_EQ(NULL, scribble_unprintable(self->text, true))
		{
			TH_LOG("seed %llu: %.80s", (unsigned long long)seed,
			       scribble_unprintable(self->text, true));
		}
		ASSERT_TRUE(schema_check(self->schema, self->document, true, self->why,
					 sizeof(self->why)))
		{
			TH_LOG("seed %llu: %s", (unsigned long long)seed, self->why);
		}
	}
}

TEST_HARNESS_MAIN
