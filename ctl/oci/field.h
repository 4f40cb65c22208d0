/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of JSON that others wrote. A path has names and dots, as "linux.resources.cpu"; an error
 * begins with it. A field of null is as one that isn't there.
 */
#ifndef BULKHEAD_FIELD_H
#define BULKHEAD_FIELD_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Finds the field, which has to be of @type if it is there; JSON_TRUE stands for both booleans.
 * @value is borrowed, and NULL where the field or what would hold it isn't there. Returns 0, or -1
 * with an error.
 */
int field_find(const json_t *object, const char *path, json_type type, json_t **value);

/* The same for what has to be there. */
int field_need(const json_t *object, const char *path, json_type type, json_t **value);

/* The same for an array that has only strings. */
int field_find_strings(const json_t *object, const char *path, json_t **array);

/* The same for the text of a string, which lives as long as the string. */
int field_find_text(const json_t *object, const char *path, const char **text);

/* The same for a number, which stays as it is where the field isn't there. */
int field_find_integer(const json_t *object, const char *path, json_int_t min, json_int_t max,
		       json_int_t *number);

/*
 * Sets the field, and makes the objects that it is in. Takes @value; where that is NULL, it fails
 * with the error of what should have made it.
 */
int field_set(json_t *object, const char *path, json_t *value);

/* Deletes the field, if it is there. */
void field_delete(json_t *object, const char *path);

/* As field_find() of an array, which is made if it isn't there. */
int field_make_array(json_t *object, const char *path, json_t **array);

/* Appends to the array, and takes @value, as field_set() does. */
int field_append(json_t *array, json_t *value);

/* A new string, or NULL with an error if the text isn't UTF-8. */
json_t *field_text(const char *text);

/* A new array of strings. The last is followed by NULL. */
json_t *field_texts(const char *const *texts);

#endif
