/*
 * tokens.c - cuts a date into words, numbers and signs. Pure: touches nothing but its arguments.
 */
#include "tokens.h"

#include <string.h>

#include "feedd/mem.h"
#include "feedd/text.h"

/* Longest word of names.c and NOISE, in bytes. */
#define WORD_MAX 40

struct lexer {
	const char *s;
	size_t len, at;
	struct tokens *tokens;
	bool spaced;
};

/* Words between the parts of a date that say nothing: "23 de noviembre de 2026 a las 20:17", "um
 * 20:17 Uhr". Folded. */
static const char *const NOISE[] = {"de", "del", "di", "do", "da", "of", "the", "at", "on", "le",
	"el", "um", "uhr", "uur", "am", "den", "der", "kl", "klo", "ora", "ore", "alle", "las",
	"os", "ob", "godz", "om", "as", "rok", "roku", "gada", "г", "года", "год", "року", "в", "о",
	"ч", "и", "στις", "και"};

/* Letters that mean nothing behind a day: "23rd", "1er", "1º". */
static const char *const ORDINALS[] = {"st", "nd", "rd", "th", "er", "re", "º", "ª", "°", "e", "a",
	"o", "ος", "η", "го", "ое", "е"};

/* Letters that make a number an hour, a minute, a second. */
struct unit {
	const char *text;
	enum token_kind kind;
	int value;
};
static const struct unit UNITS[] = {{"h", TOKEN_HOUR, 0}, {"hr", TOKEN_HOUR, 0},
	{"hrs", TOKEN_HOUR, 0}, {"min", TOKEN_MINUTE, 0}, {"mn", TOKEN_MINUTE, 0},
	{"m", TOKEN_MINUTE, 0}, {"s", TOKEN_SECOND, 0}, {"sec", TOKEN_SECOND, 0}};

/* Words of the languages that set no blanks between them; longer ones before their beginnings.
 * TOKEN_NONE: a weekday, which the date does not need. */
static const struct unit IDEOGRAPHS[] = {{"日曜日", TOKEN_NONE, 0}, {"月曜日", TOKEN_NONE, 0},
	{"火曜日", TOKEN_NONE, 0}, {"水曜日", TOKEN_NONE, 0}, {"木曜日", TOKEN_NONE, 0},
	{"金曜日", TOKEN_NONE, 0}, {"土曜日", TOKEN_NONE, 0}, {"星期日", TOKEN_NONE, 0},
	{"星期天", TOKEN_NONE, 0}, {"星期一", TOKEN_NONE, 0}, {"星期二", TOKEN_NONE, 0},
	{"星期三", TOKEN_NONE, 0}, {"星期四", TOKEN_NONE, 0}, {"星期五", TOKEN_NONE, 0},
	{"星期六", TOKEN_NONE, 0}, {"周日", TOKEN_NONE, 0}, {"周一", TOKEN_NONE, 0},
	{"周二", TOKEN_NONE, 0}, {"周三", TOKEN_NONE, 0}, {"周四", TOKEN_NONE, 0},
	{"周五", TOKEN_NONE, 0}, {"周六", TOKEN_NONE, 0}, {"週日", TOKEN_NONE, 0},
	{"週一", TOKEN_NONE, 0}, {"週二", TOKEN_NONE, 0}, {"週三", TOKEN_NONE, 0},
	{"週四", TOKEN_NONE, 0}, {"週五", TOKEN_NONE, 0}, {"週六", TOKEN_NONE, 0},
	{"일요일", TOKEN_NONE, 0}, {"월요일", TOKEN_NONE, 0}, {"화요일", TOKEN_NONE, 0},
	{"수요일", TOKEN_NONE, 0}, {"목요일", TOKEN_NONE, 0}, {"금요일", TOKEN_NONE, 0},
	{"토요일", TOKEN_NONE, 0}, {"上午", TOKEN_HALF_DAY, 0}, {"下午", TOKEN_HALF_DAY, 1},
	{"午前", TOKEN_HALF_DAY, 0}, {"午後", TOKEN_HALF_DAY, 1}, {"오전", TOKEN_HALF_DAY, 0},
	{"오후", TOKEN_HALF_DAY, 1}, {"年", TOKEN_YEAR, 0}, {"月", TOKEN_MONTH, 0},
	{"日", TOKEN_DAY, 0}, {"号", TOKEN_DAY, 0}, {"號", TOKEN_DAY, 0}, {"時", TOKEN_HOUR, 0},
	{"时", TOKEN_HOUR, 0}, {"點", TOKEN_HOUR, 0}, {"点", TOKEN_HOUR, 0},
	{"分", TOKEN_MINUTE, 0}, {"秒", TOKEN_SECOND, 0}, {"년", TOKEN_YEAR, 0},
	{"월", TOKEN_MONTH, 0}, {"일", TOKEN_DAY, 0}, {"시", TOKEN_HOUR, 0},
	{"분", TOKEN_MINUTE, 0}, {"초", TOKEN_SECOND, 0}};

/* Other names of the halves of a day, folded, without dots. */
static const struct unit HALF_DAYS[] = {{"am", TOKEN_HALF_DAY, 0}, {"pm", TOKEN_HALF_DAY, 1},
	{"πμ", TOKEN_HALF_DAY, 0}, {"μμ", TOKEN_HALF_DAY, 1}};

/* Full-width forms as their ASCII ones, all blanks as one, all dashes as one. */
static uint32_t
simplify(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xfee0;
	if (c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == '\t' ||
		c == '\n' || c == '\r')
		return ' ';
	if (c == 0x2212 || (c >= 0x2010 && c <= 0x2014))
		return '-';
	if (c == 0x3001)
		return ',';
	return c;
}

static uint32_t
peek(const struct lexer *lexer, size_t at, size_t *ret_len)
{
	uint32_t c = 0;

	*ret_len = text_decode(lexer->s + at, lexer->len - at, &c);
	return *ret_len ? simplify(c) : 0;
}

static bool
is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= 0xaa && c < 0x2e80 && c != 0xb7);
}

/* The next token, to be filled; NULL where there are too many. */
static struct token *
add(struct lexer *lexer, enum token_kind kind)
{
	struct tokens *tokens = lexer->tokens;

	if (tokens->n == TOKENS_MAX)
		return NULL;
	struct token *token = &tokens->token[tokens->n++];
	*token = (struct token){.kind = kind, .spaced = lexer->spaced};
	lexer->spaced = false;
	return token;
}

/* True if the last token is a number and nothing stands between. */
static bool
behind_number(const struct lexer *lexer)
{
	const struct tokens *tokens = lexer->tokens;

	return tokens->n > 0 && tokens->token[tokens->n - 1].kind == TOKEN_NUMBER;
}

static bool
read_number(struct lexer *lexer)
{
	struct token *token = add(lexer, TOKEN_NUMBER);
	size_t n;

	for (; token; lexer->at += n) {
		uint32_t c = peek(lexer, lexer->at, &n);

		if (c < '0' || c > '9')
			return true;
		if (token->digits++ < 9)
			token->value = token->value * 10 + (int)(c - '0');
	}
	return false;
}

static bool
is_listed(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static const struct unit *
find_unit(const struct unit *units, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].text, word) == 0)
			return &units[i];
	return NULL;
}

/* A word of letters, folded, and in upper case as far as it may be a zone. */
struct word {
	char folded[WORD_MAX];
	char zone[ZONE_NAME_MAX];
	size_t zone_len; /* 0 if it is none for its letters */
	size_t end;
};

static bool
cut_word(const struct lexer *lexer, struct word *word)
{
	size_t n = 0;
	size_t letters = 0;
	bool ascii = true;

	word->end = lexer->at;
	while (word->end < lexer->len) {
		size_t took;
		uint32_t c = peek(lexer, word->end, &took);

		if (!is_letter(c) && !(c >= 0x300 && c < 0x370))
			break;
		word->end += took;
		ascii = ascii && c < 0x80;
		if (ascii && letters + 1 < ZONE_NAME_MAX)
			word->zone[letters] = (char)(c & ~0x20u);
		letters++;
		c = date_fold(c);
		if (n + 5 > WORD_MAX)
			return false;
		if (c)
			n += text_encode(c, word->folded + n);
	}
	word->folded[n] = '\0';
	word->zone_len = ascii && letters < ZONE_NAME_MAX ? letters : 0;
	return n > 0;
}

/* "a.m.", "p. m.", "π.μ.": the dots would make two words of it. Moves behind it. */
static const struct unit *
dotted_half_day(struct lexer *lexer)
{
	char pair[16];
	size_t n = 0;
	size_t at = lexer->at;
	size_t took;

	for (int i = 0; i < 2; i++) {
		uint32_t c = peek(lexer, at, &took);

		if (!is_letter(c))
			return NULL;
		n += text_encode(date_fold(c), pair + n);
		at += took;
		if (peek(lexer, at, &took) != '.' && (i == 0 || is_letter(peek(lexer, at, &took))))
			return NULL;
		at += peek(lexer, at, &took) == '.';
		while (i == 0 && peek(lexer, at, &took) == ' ')
			at += took;
	}
	pair[n] = '\0';
	const struct unit *unit = find_unit(HALF_DAYS, ARRAY_SIZE(HALF_DAYS), pair);
	if (unit)
		lexer->at = at;
	return unit;
}

/* What a word means behind a number: a unit, an ordinal's end, or nothing special (NULL). */
static const struct unit *
number_suffix(const struct lexer *lexer, const struct word *word, bool *ret_ordinal)
{
	const struct token *last = &lexer->tokens->token[lexer->tokens->n - 1];

	*ret_ordinal = false;
	if (!lexer->tokens->has_clock) {
		const struct unit *unit = find_unit(UNITS, ARRAY_SIZE(UNITS), word->folded);

		if (unit)
			return unit;
	}
	*ret_ordinal = !lexer->spaced && last->digits <= 2 && !lexer->tokens->has_clock &&
		is_listed(ORDINALS, ARRAY_SIZE(ORDINALS), word->folded);
	return NULL;
}

/* A month, a weekday, or a zone. */
static bool
add_name(struct lexer *lexer, const struct word *word)
{
	const struct date_name *name = date_find_name(word->folded);
	struct moment summer = {.year = 2000, .month = 7, .day = 1};
	bool zone = word->zone_len > 0 &&
		date_zone(word->zone, word->zone_len, &summer) != ZONE_UNKNOWN;

	if (!name && !zone)
		return false;
	struct token *token = add(lexer, name ? TOKEN_WORD : TOKEN_ZONE);
	if (!token)
		return false;
	token->name = name;
	if (zone) {
		memcpy(token->zone, word->zone, word->zone_len);
		token->zone_len = word->zone_len;
	}
	return true;
}

static bool
read_word(struct lexer *lexer)
{
	struct word word;
	size_t took;
	const struct unit *half = dotted_half_day(lexer);
	bool ordinal = false;

	if (!half) {
		if (!cut_word(lexer, &word))
			return false;
		half = find_unit(HALF_DAYS, ARRAY_SIZE(HALF_DAYS), word.folded);
		/* "am 23. November": German, and no half of a day. */
		if (half && lexer->tokens->n > 0 && !behind_number(lexer) && half->value == 0 &&
			lexer->tokens->token[lexer->tokens->n - 1].kind == TOKEN_WORD)
			half = NULL;
		if (half)
			lexer->at = word.end;
	}
	if (half) {
		struct token *token = add(lexer, TOKEN_HALF_DAY);

		if (token)
			token->value = half->value;
		return token != NULL;
	}
	if (behind_number(lexer)) {
		/* The T of "13T09:15". */
		uint32_t next = peek(lexer, lexer->at + 1, &took);

		if ((word.folded[0] | 0x20) == 't' && word.end == lexer->at + 1 && next >= '0' &&
			next <= '9') {
			lexer->at++;
			return true;
		}
		if (lexer->tokens->has_clock && !lexer->spaced && strcmp(word.folded, "h") == 0) {
			lexer->at = word.end; /* "20:17h" */
			return true;
		}
		const struct unit *unit = number_suffix(lexer, &word, &ordinal);
		if (unit || ordinal) {
			lexer->at = word.end;
			return ordinal || add(lexer, unit->kind) != NULL;
		}
	}
	lexer->at = word.end;
	if (is_listed(NOISE, ARRAY_SIZE(NOISE), word.folded) ||
		(!lexer->tokens->has_clock && strchr("aoruv", word.folded[0]) && !word.folded[1]))
		return true;
	return add_name(lexer, &word);
}

/* Chinese, Japanese, Korean. */
static bool
read_ideographs(struct lexer *lexer)
{
	for (size_t i = 0; i < ARRAY_SIZE(IDEOGRAPHS); i++) {
		const struct unit *unit = &IDEOGRAPHS[i];
		size_t len = strlen(unit->text);

		if (lexer->len - lexer->at < len ||
			memcmp(lexer->s + lexer->at, unit->text, len) != 0)
			continue;
		lexer->at += len;
		lexer->tokens->is_korean |= (unsigned char)unit->text[0] >= 0xea; /* U+A000 on */
		if (unit->kind == TOKEN_NONE)
			return true;
		if (unit->kind != TOKEN_HALF_DAY && !behind_number(lexer))
			return false;
		struct token *token = add(lexer, unit->kind);
		if (token)
			token->value = unit->value;
		return token != NULL;
	}
	return false;
}

/* "(CET)", "(Central European Time)", "(月)": only a zone matters, and only where no other is
 * given. */
static bool
read_comment(struct lexer *lexer)
{
	const char *close = memchr(lexer->s + lexer->at, ')', lexer->len - lexer->at);
	struct moment summer = {.year = 2000, .month = 7, .day = 1};
	struct word word;

	if (!close)
		return false;
	lexer->at++;
	if (cut_word(lexer, &word) && lexer->s + word.end == close && word.zone_len > 0 &&
		date_zone(word.zone, word.zone_len, &summer) != ZONE_UNKNOWN) {
		struct token *comment = &lexer->tokens->comment;

		comment->kind = TOKEN_ZONE;
		memcpy(comment->zone, word.zone, word.zone_len);
		comment->zone_len = word.zone_len;
	}
	lexer->at = (size_t)(close - lexer->s) + 1;
	lexer->spaced = true;
	return true;
}

/* Signs of one character. */
static bool
read_sign(struct lexer *lexer, uint32_t c, size_t took)
{
	static const char signs[] = ":/.,+-";
	static const enum token_kind kinds[] = {
		TOKEN_COLON, TOKEN_SLASH, TOKEN_DOT, TOKEN_COMMA, TOKEN_SIGN, TOKEN_SIGN};
	const char *sign = c < 0x80 ? strchr(signs, (int)c) : NULL;

	if (!sign || c == 0)
		return false;
	struct token *token = add(lexer, kinds[sign - signs]);
	if (!token)
		return false;
	token->value = c == '-' ? -1 : 1;
	lexer->tokens->has_clock |= c == ':';
	lexer->at += took;
	return true;
}

bool
tokens_read(struct tokens *tokens, const char *s, size_t len)
{
	struct lexer lexer = {.s = s, .len = len, .tokens = tokens};

	*tokens = (struct tokens){.n = 0};
	while (lexer.at < len) {
		size_t took;
		uint32_t c = peek(&lexer, lexer.at, &took);
		bool known = true;

		if (took == 0)
			return false;
		if (c == ' ' || c == '\'' || c == 0x2019 || c == '~') {
			lexer.spaced |= c == ' ';
			lexer.at += took;
		} else if (c >= '0' && c <= '9') {
			known = read_number(&lexer);
		} else if (c == '(') {
			known = read_comment(&lexer);
		} else if (c >= 0x2e80) {
			known = read_ideographs(&lexer);
		} else if (is_letter(c)) {
			known = read_word(&lexer);
		} else {
			known = read_sign(&lexer, c, took);
		}
		if (!known)
			return false;
	}
	return true;
}
