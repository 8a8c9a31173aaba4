/*
 * A hierarchical bitmap in plain C behind the console protocol of docs/hbitmap-console.md: the proof that a bitmap needs
 * no Python to be tested, and a second worked example. It has no merging, serialization or meta bitmap, and at most 2^32
 * granules, and says so when it is asked for its features.
 *
 * A bitmap has seven levels of words. A bit of the last level is a granule; a bit of any other level says whether a word
 * of the next level is not zero.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 7, LAST = LEVELS - 1, THINGS_MAX = 1 << 16, WORDS_MAX = 8 };

static const int64_t GRANULES_MAX = INT64_C(1) << 32;

struct bitmap {
    int64_t size;
    int granularity;
    int64_t granules;
    uint64_t dirty;
    unsigned generation;
    int64_t words[LEVELS];
    uint64_t *level[LEVELS];
};

struct iterator {
    struct bitmap *bitmap;
    unsigned generation;
    int64_t word; /* of the last level, in which it stands */
    uint64_t cached[LEVELS];
};

static struct bitmap *bitmaps[THINGS_MAX];
static struct iterator *iterators[THINGS_MAX];
static int things;

/* Section: refusing. A command either answers or refuses; nothing is changed before the last refusal. */

static bool refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("error ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    return false;
}

static bool number(const char *text, const char *name, int64_t *value)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (!*text || *end) {
        return refuse("'%s' is not a number", text);
    }
    if (errno) {
        return refuse("%s %s does not fit in 64 bits", name, text);
    }
    *value = parsed;
    return true;
}

static bool natural(const char *text, const char *name, int64_t *value)
{
    if (!number(text, name, value)) {
        return false;
    }
    return *value >= 0 || refuse("%s %s is negative", name, text);
}

/* Section: words */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        perror("hbitmap_console");
        exit(1);
    }
    return memory;
}

static void make_levels(struct bitmap *b)
{
    int64_t bits = b->granules;
    for (int l = LAST; l >= 0; l--) {
        bits = (bits + 63) / 64;
        b->words[l] = bits ? bits : 1;
        b->level[l] = allocate((size_t)b->words[l], sizeof(uint64_t));
    }
}

static void free_levels(struct bitmap *b)
{
    for (int l = 0; l < LEVELS; l++) {
        free(b->level[l]);
    }
}

/* The bits of word `index` that lie between bits `first` and `last` of the level, both included. */
static uint64_t mask(int64_t index, int64_t first, int64_t last)
{
    uint64_t bits = ~UINT64_C(0);
    if (index == first / 64) {
        bits &= ~UINT64_C(0) << (first % 64);
    }
    if (index == last / 64) {
        bits &= ~UINT64_C(0) >> (63 - last % 64);
    }
    return bits;
}

static void set_granules(struct bitmap *b, int64_t first, int64_t last)
{
    for (int l = LAST; l >= 0; l--) {
        for (int64_t w = first / 64; w <= last / 64; w++) {
            uint64_t bits = mask(w, first, last);
            if (l == LAST) {
                b->dirty += (uint64_t)__builtin_popcountll(bits & ~b->level[l][w]);
            }
            b->level[l][w] |= bits;
        }
        first /= 64;
        last /= 64;
    }
}

static void reset_granules(struct bitmap *b, int64_t first, int64_t last)
{
    for (int l = LAST; l >= 0 && first <= last; l--) {
        for (int64_t w = first / 64; w <= last / 64; w++) {
            uint64_t bits = mask(w, first, last);
            if (l == LAST) {
                b->dirty -= (uint64_t)__builtin_popcountll(bits & b->level[l][w]);
            }
            b->level[l][w] &= ~bits;
        }
        /* Above, only the words that are zero now are clean; those between the two at the ends surely are. */
        first /= 64;
        last /= 64;
        int64_t lowest = first, highest = last;
        first += b->level[l][lowest] != 0;
        last -= highest >= first && b->level[l][highest] != 0;
    }
}

/* Section: iterating */

static void start(struct iterator *i, struct bitmap *b, int64_t granule)
{
    i->bitmap = b;
    i->generation = b->generation;
    i->word = granule / 64;
    for (int l = LAST; l >= 0; l--) {
        /* Above the last level the bit that leads here is left out: the word below it is cached already. */
        int first_bit = (int)(granule % 64) + (l != LAST);
        granule /= 64;
        i->cached[l] = first_bit < 64 ? b->level[l][granule] >> first_bit << first_bit : 0;
    }
}

static int64_t step(struct iterator *i, bool advance)
{
    struct bitmap *b = i->bitmap;
    int64_t index = i->word;
    int l = LAST;
    uint64_t word = i->cached[l] & b->level[l][index];
    while (!word && l > 0) {
        l--;
        index /= 64;
        word = i->cached[l] & b->level[l][index];
    }
    if (!word) {
        return -1;
    }
    for (; l < LAST; l++) {
        i->cached[l] = word & (word - 1);
        index = index * 64 + __builtin_ctzll(word);
        word = b->level[l + 1][index];
    }
    i->word = index;
    i->cached[LAST] = advance ? word & (word - 1) : word;
    return (index * 64 + __builtin_ctzll(word)) << b->granularity;
}

/* Section: searching; `end` is at most the size, and answers are -1 or before `end`. */

static int64_t first_dirty(struct bitmap *b, int64_t item, int64_t end)
{
    if (item >= end) {
        return -1;
    }
    struct iterator i;
    start(&i, b, item >> b->granularity);
    int64_t found = step(&i, true);
    if (found < 0 || found >= end) {
        return -1;
    }
    return found > item ? found : item;
}

static int64_t first_clean(struct bitmap *b, int64_t item, int64_t end)
{
    if (item >= end) {
        return -1;
    }
    int64_t granule = item >> b->granularity, last = (end - 1) >> b->granularity;
    for (int64_t w = granule / 64; w <= last / 64; w++) {
        uint64_t clean = ~b->level[LAST][w] & mask(w, granule, last);
        if (clean) {
            int64_t found = (w * 64 + __builtin_ctzll(clean)) << b->granularity;
            return found > item ? found : item;
        }
    }
    return -1;
}

/* Section: commands. Each gets its words, checked for number, and answers with one line. */

static int keep(void)
{
    if (things == THINGS_MAX) {
        fputs("hbitmap_console: too many bitmaps and iterators\n", stderr);
        exit(1);
    }
    return things++;
}

static struct bitmap *bitmap_of(const char *text)
{
    int64_t n;
    if (!number(text, "bitmap", &n)) {
        return NULL;
    }
    if (n < 0 || n >= things || !bitmaps[n]) {
        refuse("no bitmap %s", text);
        return NULL;
    }
    return bitmaps[n];
}

static struct iterator *iterator_of(const char *text)
{
    int64_t n;
    if (!number(text, "iterator", &n)) {
        return NULL;
    }
    if (n < 0 || n >= things || !iterators[n]) {
        refuse("no iterator %s", text);
        return NULL;
    }
    return iterators[n];
}

static bool granules_of(int64_t size, int granularity, int64_t *granules)
{
    *granules = size ? ((size - 1) >> granularity) + 1 : 0;
    return *granules <= GRANULES_MAX || refuse("size %" PRId64 " makes more granules than 2^32", size);
}

static void new(char **words)
{
    int64_t size, granularity, granules;
    if (!natural(words[0], "size", &size) || !natural(words[1], "granularity", &granularity)) {
        return;
    }
    if (granularity > 62) {
        refuse("granularity %" PRId64 " is above 62", granularity);
        return;
    }
    if (!granules_of(size, (int)granularity, &granules)) {
        return;
    }
    struct bitmap *b = allocate(1, sizeof *b);
    b->size = size;
    b->granularity = (int)granularity;
    b->granules = granules;
    make_levels(b);
    int n = keep();
    bitmaps[n] = b;
    printf("%d\n", n);
}

static void free_bitmap(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    if (b) {
        for (int n = 0; n < things; n++) {
            if (iterators[n] && iterators[n]->bitmap == b) {
                free(iterators[n]);
                iterators[n] = NULL;
            }
        }
        bitmaps[atoi(words[0])] = NULL;
        free_levels(b);
        free(b);
        puts("ok");
    }
}

static void size(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    if (b) {
        printf("%" PRId64 "\n", b->size);
    }
}

static void granularity(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    if (b) {
        printf("%d\n", b->granularity);
    }
}

static void count(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    if (b) {
        printf("%" PRIu64 "\n", b->dirty << b->granularity);
    }
}

/* The granules of a range of items; none when `last` is before `first`. */
static bool range(struct bitmap *b, char **words, int64_t *from, int64_t *items, int64_t *first, int64_t *last)
{
    if (!natural(words[0], "start", from) || !natural(words[1], "count", items)) {
        return false;
    }
    *first = 0;
    *last = -1;
    if (*items) {
        bool overflows = *items - 1 > INT64_MAX - *from;
        if (overflows || (*from + *items - 1) >> b->granularity >= b->granules) {
            return refuse("start %s plus count %s is past the size %" PRId64, words[0], words[1], b->size);
        }
        *first = *from >> b->granularity;
        *last = (*from + *items - 1) >> b->granularity;
    }
    return true;
}

static void set(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, items, first, last;
    if (b && range(b, words + 1, &from, &items, &first, &last)) {
        if (first <= last) {
            set_granules(b, first, last);
        }
        puts("ok");
    }
}

static void reset_outward(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, items, first, last;
    if (b && range(b, words + 1, &from, &items, &first, &last)) {
        if (first <= last) {
            reset_granules(b, first, last);
        }
        puts("ok");
    }
}

static void reset(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, items, first, last;
    if (!b || !range(b, words + 1, &from, &items, &first, &last)) {
        return;
    }
    int64_t granule = INT64_C(1) << b->granularity;
    if (items && from % granule) {
        refuse("start %s is not a multiple of the granule %" PRId64, words[1], granule);
    } else if (items % granule && from + items != b->size) {
        refuse("count %s is not a multiple of the granule %" PRId64 " and does not end at the size", words[2], granule);
    } else {
        reset_outward(words);
    }
}

static void reset_all(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    if (b) {
        free_levels(b); /* what was never touched costs nothing when it is made anew */
        make_levels(b);
        b->dirty = 0;
        puts("ok");
    }
}

static void truncate_bitmap(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t size, granules;
    if (!b || !natural(words[1], "size", &size) || !granules_of(size, b->granularity, &granules)) {
        return;
    }
    struct bitmap old = *b;
    b->size = size;
    b->granules = granules;
    b->dirty = 0;
    b->generation++;
    make_levels(b);
    for (int64_t w = 0; granules && w < old.words[LAST] && w < b->words[LAST]; w++) {
        uint64_t word = old.level[LAST][w] & mask(w, 0, granules - 1);
        for (; word; word &= word - 1) {
            int64_t granule = w * 64 + __builtin_ctzll(word);
            set_granules(b, granule, granule);
        }
    }
    free_levels(&old);
    puts("ok");
}

static bool present(struct bitmap *b, const char *text, const char *name, int64_t *item)
{
    if (!natural(text, name, item)) {
        return false;
    }
    return *item >> b->granularity < b->granules
        || refuse("%s %s is not below the size %" PRId64, name, text, b->size);
}

static void get(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t item;
    if (b && present(b, words[1], "item", &item)) {
        int64_t granule = item >> b->granularity;
        printf("%d\n", (int)(b->level[LAST][granule / 64] >> (granule % 64) & 1));
    }
}

/* Where a search ends: `items` behind `from`, or at the size. */
static bool search(struct bitmap *b, char **words, int64_t *from, int64_t *end)
{
    int64_t items = INT64_MAX;
    if (!natural(words[0], "start", from) || (words[1] && !natural(words[1], "count", &items))) {
        return false;
    }
    *end = items > INT64_MAX - *from ? INT64_MAX : *from + items;
    *end = *end < b->size ? *end : b->size;
    return true;
}

static void next_zero(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, end;
    if (b && search(b, words + 1, &from, &end)) {
        printf("%" PRId64 "\n", first_clean(b, from, end));
    }
}

static void next_dirty(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, end;
    if (b && search(b, words + 1, &from, &end)) {
        printf("%" PRId64 "\n", first_dirty(b, from, end));
    }
}

static void next_dirty_area(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, end, at_most = INT64_MAX;
    if (!b || !natural(words[1], "start", &from) || !natural(words[2], "end", &end)
        || (words[3] && !number(words[3], "maximum", &at_most))) {
        return;
    }
    if (at_most < 1) {
        refuse("maximum %s is not positive", words[3]);
        return;
    }
    end = end < b->size ? end : b->size;
    from = first_dirty(b, from, end);
    if (from < 0) {
        puts("none");
        return;
    }
    end = at_most < end - from ? from + at_most : end;
    int64_t clean = first_clean(b, from, end);
    printf("%" PRId64 " %" PRId64 "\n", from, (clean < 0 ? end : clean) - from);
}

static void status(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t from, items;
    if (!b || !natural(words[1], "start", &from) || !number(words[2], "count", &items)) {
        return;
    }
    if (items < 1) {
        refuse("count %s is not positive", words[2]);
        return;
    }
    if (items > b->size || from > b->size - items) {
        refuse("start %s plus count %s is past the size %" PRId64, words[1], words[2], b->size);
        return;
    }
    bool dirty = first_dirty(b, from, from + 1) == from;
    int64_t change = dirty ? first_clean(b, from, from + items) : first_dirty(b, from, from + items);
    printf("%d %" PRId64 "\n", dirty, change < 0 ? items : change - from);
}

static void iter_new(char **words)
{
    struct bitmap *b = bitmap_of(words[0]);
    int64_t first;
    if (b && present(b, words[1] ? words[1] : "0", "first", &first)) {
        struct iterator *i = allocate(1, sizeof *i);
        start(i, b, first >> b->granularity);
        int n = keep();
        iterators[n] = i;
        printf("%d\n", n);
    }
}

static void iter_free(char **words)
{
    struct iterator *i = iterator_of(words[0]);
    if (i) {
        iterators[atoi(words[0])] = NULL;
        free(i);
        puts("ok");
    }
}

static void step_and_answer(const char *word, bool advance)
{
    struct iterator *i = iterator_of(word);
    if (!i) {
        return;
    }
    if (i->generation != i->bitmap->generation) {
        refuse("the bitmap was truncated after this iterator was made");
    } else {
        printf("%" PRId64 "\n", step(i, advance));
    }
}

static void next(char **words)
{
    step_and_answer(words[0], true);
}

static void peek(char **words)
{
    step_and_answer(words[0], false);
}

static void hello(char **words)
{
    (void)words;
    puts("hbitmap-console 1");
}

static void features(char **words)
{
    (void)words;
    puts("peek reset-outward status");
}

static void quit(char **words)
{
    (void)words;
    puts("ok");
    exit(0);
}

static const struct {
    const char *name;
    int words_min, words_max;
    void (*run)(char **words);
} COMMANDS[] = {
    {"hello", 0, 0, hello},
    {"features", 0, 0, features},
    {"quit", 0, 0, quit},
    {"new", 2, 2, new},
    {"free", 1, 1, free_bitmap},
    {"size", 1, 1, size},
    {"granularity", 1, 1, granularity},
    {"count", 1, 1, count},
    {"set", 3, 3, set},
    {"reset", 3, 3, reset},
    {"reset-outward", 3, 3, reset_outward},
    {"reset-all", 1, 1, reset_all},
    {"get", 2, 2, get},
    {"next-zero", 2, 3, next_zero},
    {"next-dirty", 2, 3, next_dirty},
    {"next-dirty-area", 3, 4, next_dirty_area},
    {"status", 3, 3, status},
    {"truncate", 2, 2, truncate_bitmap},
    {"iter-new", 1, 2, iter_new},
    {"iter-free", 1, 1, iter_free},
    {"next", 1, 1, next},
    {"peek", 1, 1, peek},
};

static void answer(char *line)
{
    char *words[WORDS_MAX] = {0};
    int words_count = 0;
    for (char *word = strtok(line, " \t\r\n"); word && words_count < WORDS_MAX - 1; word = strtok(NULL, " \t\r\n")) {
        words[words_count++] = word;
    }
    const char *name = words_count ? words[0] : "";
    for (size_t c = 0; c < sizeof COMMANDS / sizeof COMMANDS[0]; c++) {
        if (!strcmp(name, COMMANDS[c].name)) {
            if (words_count - 1 < COMMANDS[c].words_min || words_count - 1 > COMMANDS[c].words_max) {
                refuse("%s does not take %d words", name, words_count - 1);
            } else {
                COMMANDS[c].run(words + 1);
            }
            return;
        }
    }
    refuse("unknown command '%s'", name);
}

int main(void)
{
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        answer(line);
        fflush(stdout);
    }
    return 0;
}
