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
static const struct encoding euc_jp = {"euc-jp", "EUC-JP-MS", false, false};
static const struct encoding koi8_r = {"koi8-r", "KOI8-R", true, false};
static const struct encoding windows_1251 = {"windows-1251", "CP1251", true, false};
static const struct encoding windows_1253 = {"windows-1253", "CP1253", true, false};
static const struct encoding windows_1255 = {"windows-1255", "CP1255", true, false};

struct census {
	size_t sequences; /* valid UTF-8 beyond ASCII */
	size_t high;	  /* bytes above ASCII */
	size_t pairs;	  /* that stand in pairs of high bytes, as in EUC */
	size_t hangul;	  /* first bytes of EUC-KR's syllables */
	size_t hebrew;	  /* letters of windows-1255 */
	size_t cyrillic;  /* small letters of windows-1251 */
	size_t greek; /* accented vowels of windows-1253 within a word, there capitals of 1251 */
	size_t koi8;  /* small letters of KOI8-R, where windows-1251 has the capitals */
	size_t kana;  /* first bytes of hiragana and katakana in EUC-JP, GBK and EUC-KR */
	size_t runs;  /* of high bytes */
	size_t latin; /* of them, those within words of ASCII letters */
};

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

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
			census->greek +=
				i > start && s[i - 1] >= 0xe0 && s[i] >= 0xdc && s[i] < 0xe0;
			census->koi8 += s[i] >= 0xc0 && s[i] < 0xe0;
			if ((i - start) % 2 == 1 && s[i] >= 0xa1 && s[i - 1] >= 0xa1) {
				census->pairs += 2;
				census->hangul += s[i - 1] >= 0xb0 && s[i - 1] <= 0xc8;
				census->kana += s[i - 1] == 0xa4 || s[i - 1] == 0xa5;
			}
		}
		census->latin +=
			(start > 0 && is_letter(s[start - 1])) || (i < len && is_letter(s[i]));
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
	/* Words of one script: long runs, not within words of another, nearly all bytes in its
	 * range. Kana in one of eight pairs are no Chinese. */
	bool words =
		census.runs > 0 && census.high / census.runs >= 2 && census.latin * 2 < census.runs;
	if (words && census.hebrew * 100 > census.high * 95)
		*ret_encoding = windows_1255;
	else if (words && census.greek * 40 > census.high &&
		(census.cyrillic + census.greek) * 10 > census.high * 8)
		*ret_encoding = windows_1253;
	else if (words && census.cyrillic * 10 > census.high * 8)
		*ret_encoding = windows_1251;
	else if (words && census.pairs * 100 >= census.high * 98)
		*ret_encoding = census.hangul * 10 > census.pairs / 2 * 7 ? euc_kr
			: census.kana * 8 > census.pairs / 2		  ? euc_jp
									  : gbk;
	else if (words && census.koi8 * 10 > census.high * 8)
		*ret_encoding = koi8_r;
	else
		*ret_encoding = ENCODING_WINDOWS_1252;
	return true;
}
