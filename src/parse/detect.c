/*
 * detect.c - a guess at the encoding of text that says nothing of it and is not UTF-8.
 *
 * Nothing learned and no tables of letters: only what the ranges of the bytes tell surely enough.
 * Pure.
 */
#include <string.h>

#include "encoding.h"
#include "feedd/text.h"

static const struct encoding euc_kr = {"euc-kr", "CP949", false, false};
static const struct encoding gbk = {"gbk", "GB18030", false, false};
static const struct encoding windows_1251 = {"windows-1251", "CP1251", true, false};
static const struct encoding windows_1255 = {"windows-1255", "CP1255", true, false};

struct census {
	size_t sequences; /* valid UTF-8 beyond ASCII */
	size_t high;	  /* bytes above ASCII */
	size_t pairs;	  /* that stand in pairs of high bytes, as in EUC */
	size_t hangul;	  /* first bytes of EUC-KR's syllables */
	size_t hebrew;	  /* letters of windows-1255 */
	size_t cyrillic;  /* small letters of windows-1251 */
	size_t runs;	  /* of high bytes */
};

static void
count(const unsigned char *s, size_t len, struct census *census)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t start = i;

		if (s[i] < 0x80) {
			i++;
			continue;
		}
		census->runs++;
		for (; i < len && s[i] >= 0x80; i++) {
			census->high++;
			census->hebrew += s[i] >= 0xe0 && s[i] <= 0xfa;
			census->cyrillic += s[i] >= 0xe0;
			if ((i - start) % 2 == 1 && s[i] >= 0xa1 && s[i - 1] >= 0xa1) {
				census->pairs += 2;
				census->hangul += s[i - 1] >= 0xb0 && s[i - 1] <= 0xc8;
			}
		}
		census->sequences += text_decode((const char *)s + start, len - start, &c) > 1;
	}
}

bool
encoding_detect(const char *data, size_t len, bool stated, struct encoding *ret_encoding)
{
	struct census census = {0};

	count((const unsigned char *)data, len, &census);
	/* One sequence in two that is UTF-8 is no chance; and one in all where it was promised. */
	if (census.sequences * 2 > census.runs || (stated && census.sequences > 0))
		return false;
	/* Words of one script: long runs, nearly all bytes in its range. */
	bool words = census.runs > 0 && census.high / census.runs >= 2;
	if (census.pairs == census.high && words)
		*ret_encoding = census.hangul * 10 > census.pairs / 2 * 7 ? euc_kr : gbk;
	else if (words && census.hebrew * 100 > census.high * 95)
		*ret_encoding = windows_1255;
	else if (words && census.cyrillic * 10 > census.high * 8)
		*ret_encoding = windows_1251;
	else
		*ret_encoding = ENCODING_WINDOWS_1252;
	return true;
}
