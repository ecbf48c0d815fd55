/*
 * zones.c - names of time zones. Pure: data, and a search in it.
 *
 * Only names that mean one thing. Missing on purpose: IST (India, Israel, Ireland), AMT, ECT, SST,
 * BT, ADT of the Arabs; ET, CT, MT and PT, which do not say whether it is summer; and the single
 * letters A to Y, which RFC 822 defined with the wrong sign, so that nobody can tell what is meant
 * (RFC 5322, 4.3). The American ones are those of RFC 822 wherever another land has the same name.
 */
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "feedd/mem.h"

struct zone {
	const char *name;
	int16_t minutes;
};

/* Sorted by strcmp(3). */
/* clang-format off */
static const struct zone ZONES[] = {
	{"ACDT", 630}, {"ACST", 570}, {"ADT", -180}, {"AEDT", 660}, {"AEST", 600}, {"AKDT", -480},
	{"AKST", -540}, {"ART", -180}, {"AST", -240}, {"AWST", 480}, {"BRST", -120}, {"BRT", -180},
	{"BST", 60}, {"CAT", 120}, {"CDT", -300}, {"CEDT", 120}, {"CEST", 120}, {"CET", 60},
	{"CLST", -180}, {"CLT", -240}, {"COT", -300}, {"CST", -360}, {"EAT", 180}, {"EDT", -240},
	{"EEDT", 180}, {"EEST", 180}, {"EET", 120}, {"EST", -300}, {"GMT", 0}, {"HADT", -540},
	{"HAST", -600}, {"HKT", 480}, {"HST", -600}, {"ICT", 420}, {"IDT", 180}, {"IRST", 210},
	{"JST", 540}, {"KST", 540}, {"MDT", -360}, {"MEST", 120}, {"MESZ", 120}, {"MET", 60},
	{"MEZ", 60}, {"MSD", 240}, {"MSK", 180}, {"MST", -420}, {"MYT", 480}, {"NDT", -150},
	{"NPT", 345}, {"NST", -210}, {"NZDT", 780}, {"NZST", 720}, {"PDT", -420}, {"PET", -300},
	{"PHT", 480}, {"PKT", 300}, {"PST", -480}, {"SAST", 120}, {"SGT", 480}, {"TRT", 180},
	{"UCT", 0}, {"UT", 0}, {"UTC", 0}, {"UYT", -180}, {"WAT", 60}, {"WEDT", 60}, {"WEST", 60},
	{"WET", 0}, {"WIB", 420}, {"WIT", 540}, {"WITA", 480}, {"Z", 0},
};
/* clang-format on */

static int
compare_zones(const void *a, const void *b)
{
	return strcmp(((const struct zone *)a)->name, ((const struct zone *)b)->name);
}

int
date_zone(const char *name, size_t len, const struct moment *moment)
{
	char copy[8];

	if (len == 0 || len >= sizeof(copy))
		return ZONE_UNKNOWN;
	memcpy(copy, name, len);
	copy[len] = '\0';
	struct zone key = {copy, 0};
	const struct zone *zone =
		bsearch(&key, ZONES, ARRAY_SIZE(ZONES), sizeof(ZONES[0]), compare_zones);
	if (!zone)
		return ZONE_UNKNOWN;
	/* British Summer Time: in winter it is a mistake, or Bangladesh. */
	if (strcmp(copy, "BST") == 0 && (moment->month < 3 || moment->month > 10))
		return ZONE_UNKNOWN;
	/* Moscow stayed on summer time from March 2011 to October 2014. */
	int64_t day = calendar_days(moment->year, moment->month, moment->day);
	if (strcmp(copy, "MSK") == 0 && day >= calendar_days(2011, 3, 27) &&
		day < calendar_days(2014, 10, 26))
		return 240;
	return zone->minutes;
}
