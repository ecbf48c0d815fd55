/*
 * trace.c - reads traces of publications. Touches the stream that it is given; jansson reads the
 * lines.
 */
#include "trace.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define MAX_LINE ((size_t)256 << 20)
#define MAX_SECONDS 4102444800.0 /* year 2100 */

/* A member that is a number of whole seconds or of things, 0 to max; fractions are cut off. */
static const char *
get_number(const json_t *object, const char *key, double max, int64_t *ret_value)
{
	double value = json_number_value(json_object_get(object, key));

	if (!json_is_number(json_object_get(object, key)))
		return "is not a number";
	if (!(value >= 0 && value <= max))
		return "is out of range";
	*ret_value = (int64_t)value;
	return NULL;
}

static const char *
get_times(const json_t *times, struct trace_feed *feed, struct arena *arena)
{
	size_t n = json_array_size(times);

	if (!json_is_array(times))
		return "times is no list";
	feed->times = arena_alloc(arena, (n ? n : 1) * sizeof(*feed->times));
	feed->n_times = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *time = json_array_get(times, i);
		double value = json_number_value(time);

		if (!json_is_number(time) || !(value >= 0 && value <= MAX_SECONDS))
			return "times holds something that is no time";
		feed->times[i] = (int64_t)value;
		if (i > 0 && feed->times[i] < feed->times[i - 1])
			return "times are out of order";
	}
	return NULL;
}

static const char *
get_name(const json_t *name, struct trace_feed *feed, struct arena *arena)
{
	if (json_is_integer(name)) {
		feed->name = arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(name));
		return NULL;
	}
	const char *string = json_string_value(name);

	if (!string || !*string)
		return "feed has no name";
	for (const char *c = string; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "the name of feed has blanks or control characters";
	feed->name = arena_strdup(arena, string);
	return NULL;
}

static const char *
get_feed(const json_t *line, struct trace_feed *feed, struct arena *arena)
{
	const json_t *dates = json_object_get(line, "dates");
	int64_t window;
	const char *wrong = get_name(json_object_get(line, "feed"), feed, arena);

	if (wrong)
		return wrong;
	if (get_number(line, "window", 1e9, &window) || window < 1)
		return "window is no positive number";
	feed->window = (size_t)window;
	feed->max_age = 0;
	if (json_object_get(line, "max_age") &&
		get_number(line, "max_age", MAX_SECONDS, &feed->max_age))
		return "max_age is no number of seconds";
	if (dates && !json_is_boolean(dates))
		return "dates is neither true nor false";
	feed->dates = !dates || json_is_true(dates);
	return get_times(json_object_get(line, "times"), feed, arena);
}

static const char *
get_header(const json_t *line, struct trace *trace, int64_t *ret_feeds)
{
	if (get_number(line, "start", MAX_SECONDS, &trace->start_at))
		return "start is no time";
	if (get_number(line, "end", MAX_SECONDS, &trace->end_at))
		return "end is no time";
	if (trace->end_at <= trace->start_at)
		return "end is not after start";
	if (get_number(line, "feeds", 1e9, ret_feeds))
		return "feeds is no number";
	return NULL;
}

static const char *
take_line(struct trace *trace, size_t number, const char *line, size_t length, int64_t *feeds)
{
	AUTO(json_decrefp) json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(json))
		return "is no JSON object";
	if (number == 1)
		return get_header(json, trace, feeds);
	/* The array grows by doubling; the header's number is not trusted with memory. */
	if ((trace->n_feeds & (trace->n_feeds - 1)) == 0)
		trace->feeds = xrealloc(trace->feeds, trace->n_feeds ? 2 * trace->n_feeds : 1,
			sizeof(*trace->feeds));
	return get_feed(json, &trace->feeds[trace->n_feeds++], &trace->arena);
}

int
trace_read(struct trace *trace, FILE *in, char *fault, size_t fault_size)
{
	AUTO(freep) char *line = NULL;
	size_t capacity = 0, number = 0;
	int64_t feeds = 0;
	ssize_t length;

	while ((length = getline(&line, &capacity, in)) > 0) {
		const char *wrong = "is too long";

		number++;
		if ((size_t)length <= MAX_LINE)
			wrong = take_line(trace, number, line, (size_t)length, &feeds);
		if (wrong) {
			snprintf(fault, fault_size, "line %zu: %s", number, wrong);
			return -EINVAL;
		}
	}
	if (ferror(in) || !feof(in)) {
		snprintf(fault, fault_size, "cannot be read");
		return -EIO;
	}
	if (number == 0) {
		snprintf(fault, fault_size, "line 1: is missing");
		return -EINVAL;
	}
	return 0;
}

void
trace_fini(struct trace *trace)
{
	free(trace->feeds);
	arena_fini(&trace->arena);
	*trace = (struct trace){0};
}
