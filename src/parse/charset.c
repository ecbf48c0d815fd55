/*
 * charset.c - names of encodings: the labels of the WHATWG's Encoding standard, and what iconv
 * calls them.
 *
 * Labels are compared without case, and without '-', '_', ':' and blanks: that folds most of the
 * standard's 220 labels, and more that stand in real feeds. Where a label promises less than people
 * write (latin1, gb2312, ks_c_5601), the superset is read. Pure.
 */
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"

#define LABEL_MAX 40

const struct encoding ENCODING_UTF8 = {"utf-8", NULL, false, false};
const struct encoding ENCODING_WINDOWS_1252 = {"windows-1252", "CP1252", true, false};

enum { MANY, SINGLE, HZ };

struct label {
	const char *label; /* folded */
	const char *name, *iconv;
	int kind;
};

/* Sorted by label. */
static const struct label labels[] = {
	{"ansix341968", "us-ascii", "CP1252", SINGLE},
	{"arabic", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"ascii", "us-ascii", "CP1252", SINGLE},
	{"asmo708", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"big5", "big5", "BIG5-HKSCS", MANY},
	{"big5hkscs", "big5", "BIG5-HKSCS", MANY},
	{"chinese", "gbk", "GB18030", MANY},
	{"cnbig5", "big5", "BIG5-HKSCS", MANY},
	{"cp1250", "windows-1250", "CP1250", SINGLE},
	{"cp1251", "windows-1251", "CP1251", SINGLE},
	{"cp1252", "windows-1252", "CP1252", SINGLE},
	{"cp1253", "windows-1253", "CP1253", SINGLE},
	{"cp1254", "windows-1254", "CP1254", SINGLE},
	{"cp1255", "windows-1255", "CP1255", SINGLE},
	{"cp1256", "windows-1256", "CP1256", SINGLE},
	{"cp1257", "windows-1257", "CP1257", SINGLE},
	{"cp1258", "windows-1258", "CP1258", SINGLE},
	{"cp819", "windows-1252", "CP1252", SINGLE},
	{"cp866", "ibm866", "CP866", SINGLE},
	{"cp874", "windows-874", "CP874", SINGLE},
	{"cp932", "shift_jis", "CP932", MANY},
	{"cp936", "gbk", "GB18030", MANY},
	{"cp949", "euc-kr", "CP949", MANY},
	{"cp950", "big5", "BIG5-HKSCS", MANY},
	{"csbig5", "big5", "BIG5-HKSCS", MANY},
	{"cseuckr", "euc-kr", "CP949", MANY},
	{"cseucpkdfmtjapanese", "euc-jp", "EUC-JP-MS", MANY},
	{"csgb2312", "gbk", "GB18030", MANY},
	{"csibm866", "ibm866", "CP866", SINGLE},
	{"csiso2022jp", "iso-2022-jp", "ISO-2022-JP-3", MANY},
	{"csiso2022kr", "iso-2022-kr", "ISO-2022-KR", MANY},
	{"csiso58gb231280", "gbk", "GB18030", MANY},
	{"csiso88596e", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"csiso88596i", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"csiso88598e", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"csiso88598i", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"csisolatin1", "windows-1252", "CP1252", SINGLE},
	{"csisolatin2", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"csisolatin3", "iso-8859-3", "ISO-8859-3", SINGLE},
	{"csisolatin4", "iso-8859-4", "ISO-8859-4", SINGLE},
	{"csisolatin5", "windows-1254", "CP1254", SINGLE},
	{"csisolatin6", "iso-8859-10", "ISO-8859-10", SINGLE},
	{"csisolatin9", "iso-8859-15", "ISO-8859-15", SINGLE},
	{"csisolatinarabic", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"csisolatincyrillic", "iso-8859-5", "ISO-8859-5", SINGLE},
	{"csisolatingreek", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"csisolatinhebrew", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"cskoi8r", "koi8-r", "KOI8-R", SINGLE},
	{"csksc56011987", "euc-kr", "CP949", MANY},
	{"csmacintosh", "macintosh", "MACINTOSH", SINGLE},
	{"csshiftjis", "shift_jis", "CP932", MANY},
	{"cyrillic", "iso-8859-5", "ISO-8859-5", SINGLE},
	{"dos874", "windows-874", "CP874", SINGLE},
	{"ecma114", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"ecma118", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"elot928", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"euccn", "gbk", "GB18030", MANY},
	{"eucjis2004", "euc-jp", "EUC-JISX0213", MANY},
	{"eucjisx0213", "euc-jp", "EUC-JISX0213", MANY},
	{"eucjp", "euc-jp", "EUC-JP-MS", MANY},
	{"euckr", "euc-kr", "CP949", MANY},
	{"euctw", "euc-tw", "EUC-TW", MANY},
	{"gb18030", "gb18030", "GB18030", MANY},
	{"gb2312", "gbk", "GB18030", MANY},
	{"gb231280", "gbk", "GB18030", MANY},
	{"gbk", "gbk", "GB18030", MANY},
	{"greek", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"greek8", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"hebrew", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"hz", "hz", "GB18030", HZ},
	{"hzgb2312", "hz", "GB18030", HZ},
	{"ibm819", "windows-1252", "CP1252", SINGLE},
	{"ibm866", "ibm866", "CP866", SINGLE},
	{"iso10646ucs2", "utf-16", "UTF-16BE", MANY},
	{"iso10646ucs4", "utf-32", "UTF-32BE", MANY},
	{"iso2022jp", "iso-2022-jp", "ISO-2022-JP-3", MANY},
	{"iso2022jp1", "iso-2022-jp", "ISO-2022-JP-2", MANY},
	{"iso2022jp2", "iso-2022-jp", "ISO-2022-JP-2", MANY},
	{"iso2022jp3", "iso-2022-jp", "ISO-2022-JP-3", MANY},
	{"iso2022kr", "iso-2022-kr", "ISO-2022-KR", MANY},
	{"iso88591", "windows-1252", "CP1252", SINGLE},
	{"iso885910", "iso-8859-10", "ISO-8859-10", SINGLE},
	{"iso885911", "windows-874", "CP874", SINGLE},
	{"iso885911987", "windows-1252", "CP1252", SINGLE},
	{"iso885913", "iso-8859-13", "ISO-8859-13", SINGLE},
	{"iso885914", "iso-8859-14", "ISO-8859-14", SINGLE},
	{"iso885915", "iso-8859-15", "ISO-8859-15", SINGLE},
	{"iso885916", "iso-8859-16", "ISO-8859-16", SINGLE},
	{"iso88592", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"iso885921987", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"iso88593", "iso-8859-3", "ISO-8859-3", SINGLE},
	{"iso88594", "iso-8859-4", "ISO-8859-4", SINGLE},
	{"iso88595", "iso-8859-5", "ISO-8859-5", SINGLE},
	{"iso88596", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"iso88596e", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"iso88596i", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"iso88597", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"iso88598", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"iso88598e", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"iso88598i", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"iso88599", "windows-1254", "CP1254", SINGLE},
	{"isoir100", "windows-1252", "CP1252", SINGLE},
	{"isoir101", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"isoir109", "iso-8859-3", "ISO-8859-3", SINGLE},
	{"isoir110", "iso-8859-4", "ISO-8859-4", SINGLE},
	{"isoir126", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"isoir127", "iso-8859-6", "ISO-8859-6", SINGLE},
	{"isoir138", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"isoir144", "iso-8859-5", "ISO-8859-5", SINGLE},
	{"isoir148", "windows-1254", "CP1254", SINGLE},
	{"isoir149", "euc-kr", "CP949", MANY},
	{"isoir157", "iso-8859-10", "ISO-8859-10", SINGLE},
	{"isoir58", "gbk", "GB18030", MANY},
	{"koi", "koi8-r", "KOI8-R", SINGLE},
	{"koi8", "koi8-r", "KOI8-R", SINGLE},
	{"koi8r", "koi8-r", "KOI8-R", SINGLE},
	{"koi8ru", "koi8-u", "KOI8-U", SINGLE},
	{"koi8u", "koi8-u", "KOI8-U", SINGLE},
	{"korean", "euc-kr", "CP949", MANY},
	{"ksc5601", "euc-kr", "CP949", MANY},
	{"ksc56011987", "euc-kr", "CP949", MANY},
	{"ksc56011989", "euc-kr", "CP949", MANY},
	{"kz1048", "kz-1048", "RK1048", SINGLE},
	{"l1", "windows-1252", "CP1252", SINGLE},
	{"l2", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"l3", "iso-8859-3", "ISO-8859-3", SINGLE},
	{"l4", "iso-8859-4", "ISO-8859-4", SINGLE},
	{"l5", "windows-1254", "CP1254", SINGLE},
	{"l6", "iso-8859-10", "ISO-8859-10", SINGLE},
	{"l9", "iso-8859-15", "ISO-8859-15", SINGLE},
	{"latin1", "windows-1252", "CP1252", SINGLE},
	{"latin2", "iso-8859-2", "ISO-8859-2", SINGLE},
	{"latin3", "iso-8859-3", "ISO-8859-3", SINGLE},
	{"latin4", "iso-8859-4", "ISO-8859-4", SINGLE},
	{"latin5", "windows-1254", "CP1254", SINGLE},
	{"latin6", "iso-8859-10", "ISO-8859-10", SINGLE},
	{"latin9", "iso-8859-15", "ISO-8859-15", SINGLE},
	{"logical", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"mac", "macintosh", "MACINTOSH", SINGLE},
	{"maccentraleurope", "x-mac-centraleurroman", "MAC-CENTRALEUROPE", SINGLE},
	{"maccyrillic", "x-mac-cyrillic", "MAC-UK", SINGLE},
	{"macintosh", "macintosh", "MACINTOSH", SINGLE},
	{"maclatin2", "x-mac-centraleurroman", "MAC-CENTRALEUROPE", SINGLE},
	{"macroman", "macintosh", "MACINTOSH", SINGLE},
	{"mskanji", "shift_jis", "CP932", MANY},
	{"ptcp154", "ptcp154", "PT154", SINGLE},
	{"shiftjis", "shift_jis", "CP932", MANY},
	{"shiftjis2004", "shift_jis", "SHIFT_JISX0213", MANY},
	{"shiftjisx0213", "shift_jis", "SHIFT_JISX0213", MANY},
	{"sjis", "shift_jis", "CP932", MANY},
	{"suneugreek", "iso-8859-7", "ISO-8859-7", SINGLE},
	{"tis620", "windows-874", "CP874", SINGLE},
	{"ucs2", "utf-16", "UTF-16LE", MANY},
	{"ucs4", "utf-32", "UTF-32BE", MANY},
	{"unicode", "utf-16", "UTF-16LE", MANY},
	{"unicode11utf8", "utf-8", NULL, MANY},
	{"unicode20utf8", "utf-8", NULL, MANY},
	{"usascii", "us-ascii", "CP1252", SINGLE},
	{"utf16", "utf-16", "UTF-16LE", MANY},
	{"utf16be", "utf-16be", "UTF-16BE", MANY},
	{"utf16le", "utf-16le", "UTF-16LE", MANY},
	{"utf32", "utf-32", "UTF-32BE", MANY},
	{"utf32be", "utf-32be", "UTF-32BE", MANY},
	{"utf32le", "utf-32le", "UTF-32LE", MANY},
	{"utf8", "utf-8", NULL, MANY},
	{"utf8n", "utf-8", NULL, MANY},
	{"visual", "iso-8859-8", "ISO-8859-8", SINGLE},
	{"win1251", "windows-1251", "CP1251", SINGLE},
	{"win1252", "windows-1252", "CP1252", SINGLE},
	{"windows1250", "windows-1250", "CP1250", SINGLE},
	{"windows1251", "windows-1251", "CP1251", SINGLE},
	{"windows1252", "windows-1252", "CP1252", SINGLE},
	{"windows1253", "windows-1253", "CP1253", SINGLE},
	{"windows1254", "windows-1254", "CP1254", SINGLE},
	{"windows1255", "windows-1255", "CP1255", SINGLE},
	{"windows1256", "windows-1256", "CP1256", SINGLE},
	{"windows1257", "windows-1257", "CP1257", SINGLE},
	{"windows1258", "windows-1258", "CP1258", SINGLE},
	{"windows31j", "shift_jis", "CP932", MANY},
	{"windows874", "windows-874", "CP874", SINGLE},
	{"windows936", "gbk", "GB18030", MANY},
	{"windows949", "euc-kr", "CP949", MANY},
	{"xcp1250", "windows-1250", "CP1250", SINGLE},
	{"xcp1251", "windows-1251", "CP1251", SINGLE},
	{"xcp1252", "windows-1252", "CP1252", SINGLE},
	{"xcp1253", "windows-1253", "CP1253", SINGLE},
	{"xcp1254", "windows-1254", "CP1254", SINGLE},
	{"xcp1255", "windows-1255", "CP1255", SINGLE},
	{"xcp1256", "windows-1256", "CP1256", SINGLE},
	{"xcp1257", "windows-1257", "CP1257", SINGLE},
	{"xcp1258", "windows-1258", "CP1258", SINGLE},
	{"xeucjp", "euc-jp", "EUC-JP-MS", MANY},
	{"xgbk", "gbk", "GB18030", MANY},
	{"xmacce", "x-mac-centraleurroman", "MAC-CENTRALEUROPE", SINGLE},
	{"xmaccentraleurroman", "x-mac-centraleurroman", "MAC-CENTRALEUROPE", SINGLE},
	{"xmaccyrillic", "x-mac-cyrillic", "MAC-UK", SINGLE},
	{"xmacroman", "macintosh", "MACINTOSH", SINGLE},
	{"xmacukrainian", "x-mac-cyrillic", "MAC-UK", SINGLE},
	{"xsjis", "shift_jis", "CP932", MANY},
	{"xunicode20utf8", "utf-8", NULL, MANY},
	{"xxbig5", "big5", "BIG5-HKSCS", MANY},
};

static int
compare_labels(const void *key, const void *row)
{
	return strcmp(key, ((const struct label *)row)->label);
}

/* Lower case, separators out. False if nothing or too much is left. */
static bool
fold(const char *label, size_t len, char out[LABEL_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = label[i];

		if (c == '-' || c == '_' || c == ':' || c == ' ' || c == '\t')
			continue;
		if (n + 1 >= LABEL_MAX || c <= ' ' || c > '~')
			return false;
		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	out[n] = '\0';
	return n > 0;
}

static char *
lower(struct arena *arena, const char *label, size_t len)
{
	char *name = arena_strndup(arena, label, len);

	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return name;
}

/* A label that the standard does not list: what iconv takes, EBCDIC for instance, in the letters
 * that names are made of: a slash would select iconv's options. */
static int
ask_iconv(struct arena *arena, const char *label, size_t len, struct encoding *ret_encoding)
{
	char *name = lower(arena, label, len);

	for (const char *c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && !strchr("-_.", *c))
			return -ENOENT;
	iconv_t cd;
	if (encoding_open(name, &cd) < 0)
		return -ENOENT;
	iconv_close(cd);
	*ret_encoding = (struct encoding){name, name, false, false};
	return 0;
}

int
encoding_find(struct arena *arena, const char *label, size_t len, struct encoding *ret_encoding)
{
	char folded[LABEL_MAX];

	if (!fold(label, len, folded))
		return -ENOENT;
	const struct label *row =
		bsearch(folded, labels, ARRAY_SIZE(labels), sizeof(labels[0]), compare_labels);
	if (!row)
		return ask_iconv(arena, label, len, ret_encoding);
	*ret_encoding =
		(struct encoding){row->name, row->iconv, row->kind == SINGLE, row->kind == HZ};
	/* Reported under the name that the document gave it. Unicode and ASCII keep theirs: they
	 * are asked for by it. */
	if (row->name[0] != 'u')
		ret_encoding->name = lower(arena, label, len);
	return 0;
}
