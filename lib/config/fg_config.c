/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include <fg_config.h>

#define CHUNK_BYTES_MIN 4096u
#define CHUNK_BYTES_MAX (1u << 20)
#define READ_BYTES_MIN  65536u

/* To find a key given twice, maps up to this size are compared pairwise, larger ones sorted. */
#define PAIRWISE_KEYS_MAX 16u

/* Nodes and texts are freed all together, so they share a few large blocks. */
struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	char bytes[];
};

struct fg_config {
	struct chunk *chunks;
	struct fg_node *root;
	const char *name;
};

/* A list or map that has begun and not ended. */
struct level {
	struct fg_node *node;
	struct fg_node *last; /* Its last child; NULL: none yet. */
	const char *key; /* In a map, the key whose value comes next; NULL: a key comes next. */
	yaml_mark_t key_begin; /* The location of that key. */
};

struct builder {
	struct fg_config *config;
	struct fg_error *error;
	const char *text; /* The whole file. */
	size_t length;
	uint32_t nodes;
	unsigned int documents;
	unsigned int depth; /* Levels in use. */
	struct level levels[FG_CONFIG_DEPTH_MAX];
};

static void *allocate(struct fg_config *config, size_t bytes, size_t alignment)
{
	struct chunk *chunk = config->chunks;
	size_t at = 0;

	if (chunk != NULL)
		at = (chunk->used + alignment - 1) / alignment * alignment;
	if (chunk == NULL || at > chunk->size || chunk->size - at < bytes) {
		size_t size = chunk != NULL ? chunk->size * 2 : CHUNK_BYTES_MIN;

		if (size > CHUNK_BYTES_MAX)
			size = CHUNK_BYTES_MAX;
		if (size < bytes)
			size = bytes;
		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct chunk){.next = config->chunks, .size = size};
		config->chunks = chunk;
		at = 0;
	}
	chunk->used = at + bytes;
	return chunk->bytes + at;
}

static const char *copy_text(struct fg_config *config, const void *text, size_t length)
{
	char *copy = allocate(config, length + 1, 1);

	if (copy != NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

/* A location for fg_error_at(). */
static struct fg_node place(const struct builder *b, yaml_mark_t mark)
{
	return (struct fg_node){.file = b->config->name,
				.line = (uint32_t)mark.line + 1,
				.column = (uint32_t)mark.column + 1};
}

static int out_of_memory(struct fg_error *error, const char *name)
{
	return fg_error_set(error, ENOMEM, "%s: out of memory", name);
}

/* Append a child to the current level, or make the root. */
static struct fg_node *add_node(struct builder *b, enum fg_node_kind kind, yaml_mark_t mark)
{
	struct level *level = b->depth > 0 ? &b->levels[b->depth - 1] : NULL;
	struct fg_node *node = allocate(b->config, sizeof(*node), _Alignof(struct fg_node));

	if (node == NULL)
		return NULL;
	*node = place(b, level != NULL && level->key != NULL ? level->key_begin : mark);
	node->kind = kind;
	if (level == NULL) {
		b->config->root = node;
		return node;
	}
	node->key = level->key;
	level->key = NULL;
	if (level->last != NULL)
		level->last->next = node;
	else
		level->node->child = node;
	level->last = node;
	level->node->count++;
	return node;
}

static bool expects_key(const struct builder *b)
{
	return b->depth > 0 && b->levels[b->depth - 1].node->kind == FG_NODE_MAP &&
	       b->levels[b->depth - 1].key == NULL;
}

static int check_value(struct builder *b, yaml_mark_t mark, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	const struct fg_node at = place(b, mark);

	if (anchor != NULL)
		return fg_error_at(b->error, EINVAL, &at, "anchors are not accepted: '&%s'",
				   (const char *)anchor);
	if (tag != NULL)
		return fg_error_at(b->error, EINVAL, &at, "tags are not accepted: '%s'",
				   (const char *)tag);
	if (expects_key(b))
		return 0;
	if (b->nodes >= FG_CONFIG_NODES_MAX)
		return fg_error_at(b->error, EINVAL, &at, "more than %u values",
				   FG_CONFIG_NODES_MAX);
	b->nodes++;
	return 0;
}

/* Escapes can write any character, but a NUL would silently end a name or path. */
static bool has_control(const yaml_char_t *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f)
			return true;
	return false;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
	const yaml_char_t *value = event->data.scalar.value;
	const size_t length = event->data.scalar.length;
	const struct fg_node at = place(b, event->start_mark);
	struct fg_node *node;
	const char *text;
	int rc;

	rc = check_value(b, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
	if (rc != 0)
		return rc;
	if (has_control(value, length))
		return fg_error_at(b->error, EINVAL, &at, "control characters are not accepted");
	text = copy_text(b->config, value, length);
	if (text == NULL)
		return out_of_memory(b->error, b->config->name);
	if (expects_key(b)) {
		b->levels[b->depth - 1].key = text;
		b->levels[b->depth - 1].key_begin = event->start_mark;
		return 0;
	}
	node = add_node(b, FG_NODE_SCALAR, event->start_mark);
	if (node == NULL)
		return out_of_memory(b->error, b->config->name);
	node->text = text;
	return 0;
}

static int begin_level(struct builder *b, enum fg_node_kind kind, yaml_mark_t mark,
		       const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const struct fg_node at = place(b, mark);
	struct fg_node *node;
	int rc = check_value(b, mark, anchor, tag);

	if (rc != 0)
		return rc;
	if (expects_key(b))
		return fg_error_at(b->error, EINVAL, &at, "expected a plain value as key, found %s",
				   kind == FG_NODE_MAP ? "a map" : "a list");
	if (b->depth == FG_CONFIG_DEPTH_MAX)
		return fg_error_at(b->error, EINVAL, &at, "nested deeper than %u levels",
				   FG_CONFIG_DEPTH_MAX);
	node = add_node(b, kind, mark);
	if (node == NULL)
		return out_of_memory(b->error, b->config->name);
	b->levels[b->depth++] = (struct level){.node = node};
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct fg_node *a = *(const struct fg_node *const *)left;
	const struct fg_node *b = *(const struct fg_node *const *)right;
	const int order = strcmp(a->key, b->key);

	if (order != 0)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

static int refuse_twice(struct fg_error *error, const struct fg_node *first,
			const struct fg_node *again)
{
	return fg_error_at(error, EINVAL, again, "'%s' is given twice, first at %u:%u", again->key,
			   first->line, first->column);
}

/* Sorting, not hashing: no choice of keys makes it slow. */
static int check_keys_sorted(const struct fg_node *map, struct fg_error *error)
{
	const struct fg_node **sorted = malloc(map->count * sizeof(struct fg_node *));
	uint32_t count = 0;
	int rc = 0;

	if (sorted == NULL)
		return out_of_memory(error, map->file);
	for (const struct fg_node *n = map->child; n != NULL; n = n->next)
		sorted[count++] = n;
	qsort(sorted, count, sizeof(struct fg_node *), compare_keys);
	for (uint32_t i = 1; i < count && rc == 0; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			rc = refuse_twice(error, sorted[i - 1], sorted[i]);
	free(sorted);
	return rc;
}

static int check_keys(const struct fg_node *map, struct fg_error *error)
{
	if (map->count > PAIRWISE_KEYS_MAX)
		return check_keys_sorted(map, error);
	for (const struct fg_node *again = map->child; again != NULL; again = again->next)
		for (const struct fg_node *first = map->child; first != again; first = first->next)
			if (strcmp(first->key, again->key) == 0)
				return refuse_twice(error, first, again);
	return 0;
}

static int end_level(struct builder *b)
{
	const struct fg_node *node = b->levels[--b->depth].node;

	return node->kind == FG_NODE_MAP ? check_keys(node, b->error) : 0;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	const struct fg_node at = place(b, event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ == 0)
			return 0;
		return fg_error_at(b->error, EINVAL, &at, "a second document; expected only one");
	case YAML_ALIAS_EVENT:
		return fg_error_at(b->error, EINVAL, &at, "aliases are not accepted: '*%s'",
				   (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return add_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return begin_level(b, FG_NODE_LIST, event->start_mark,
				   event->data.sequence_start.anchor,
				   event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return begin_level(b, FG_NODE_MAP, event->start_mark,
				   event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return end_level(b);
	default:
		return 0;
	}
}

/* Line and column of a byte: errors of the decoder, which reads ahead, have none. */
static yaml_mark_t find_mark(const struct builder *b, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset && i < b->length; i++) {
		const bool crlf = b->text[i] == '\r' && i + 1 < b->length && b->text[i + 1] == '\n';

		if (b->text[i] == '\n' || (b->text[i] == '\r' && !crlf)) {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)b->text[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static int refuse_syntax(const struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
	struct fg_node at;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return out_of_memory(b->error, b->config->name);
	case YAML_READER_ERROR:
		at = place(b, find_mark(b, parser->problem_offset));
		return fg_error_at(b->error, EINVAL, &at, "expected UTF-8 text: %s", problem);
	default:
		at = place(b, parser->problem_mark);
		if (parser->context == NULL)
			return fg_error_at(b->error, EINVAL, &at, "%s", problem);
		return fg_error_at(b->error, EINVAL, &at, "%s (%s from %zu:%zu)", problem,
				   parser->context, parser->context_mark.line + 1,
				   parser->context_mark.column + 1);
	}
}

static int take_events(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_type_t type;
	yaml_event_t event;
	int rc;

	do {
		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser);
		type = event.type;
		rc = take_event(b, &event);
		yaml_event_delete(&event);
	} while (rc == 0 && type != YAML_STREAM_END_EVENT);
	return rc;
}

/* A file without a value, as "", "# comment" or "---", is an empty map. */
static int finish_root(struct builder *b)
{
	const struct fg_node *root = b->config->root;

	if (root != NULL && (root->kind != FG_NODE_SCALAR || root->text[0] != '\0'))
		return 0;
	if (add_node(b, FG_NODE_MAP, (yaml_mark_t){0}) == NULL)
		return out_of_memory(b->error, b->config->name);
	return 0;
}

/*
 * add_scalar() and begin_level() refuse tags. But libyaml reads the directives that
 * declare tags first, and its time is quadratic in their number.
 */
static int check_directives(const struct builder *b)
{
	static const char directive[] = "%TAG";
	/* The last bytes of line breaks, and of a byte order mark: libyaml skips a second one. */
	static const char line_ends[] = "\n\r\x85\xa8\xa9\xbf";
	const char *end = b->text + b->length;

	for (const char *at = b->text; at < end; at++) {
		at = memmem(at, (size_t)(end - at), directive, sizeof(directive) - 1);
		if (at == NULL)
			return 0;
		if (at == b->text || memchr(line_ends, at[-1], sizeof(line_ends) - 1) != NULL) {
			const struct fg_node line = place(b, find_mark(b, (size_t)(at - b->text)));

			return fg_error_at(b->error, EINVAL, &line, "tags are not accepted: '%s'",
					   directive);
		}
	}
	return 0;
}

/*
 * A byte order mark is no content (YAML 1.2, 5.2). libyaml accepts it only if it is asked to find
 * out the encoding, and then accepts UTF-16, too.
 */
static void skip_byte_order_mark(struct builder *b)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (b->length >= sizeof(mark) - 1 && memcmp(b->text, mark, sizeof(mark) - 1) == 0) {
		b->text += sizeof(mark) - 1;
		b->length -= sizeof(mark) - 1;
	}
}

static int build_tree(struct builder *b)
{
	yaml_parser_t parser;
	int rc = check_directives(b);

	if (rc != 0)
		return rc;
	if (!yaml_parser_initialize(&parser))
		return out_of_memory(b->error, b->config->name);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)b->text, b->length);
	rc = take_events(b, &parser);
	yaml_parser_delete(&parser);
	return rc == 0 ? finish_root(b) : rc;
}

static int refuse_size(struct fg_error *error, const char *name)
{
	return fg_error_set(error, EINVAL, "%s: larger than %u bytes", name, FG_CONFIG_BYTES_MAX);
}

int fg_config_load_text(const char *name, const char *text, size_t length, struct fg_config **out,
			struct fg_error *error)
{
	struct builder b = {.error = error, .text = length > 0 ? text : "", .length = length};
	int rc;

	if (length > FG_CONFIG_BYTES_MAX)
		return refuse_size(error, name);
	b.config = calloc(1, sizeof(*b.config));
	if (b.config == NULL)
		return out_of_memory(error, name);
	b.config->name = copy_text(b.config, name, strlen(name));
	skip_byte_order_mark(&b);
	rc = b.config->name != NULL ? build_tree(&b) : out_of_memory(error, name);
	if (rc != 0)
		fg_config_free(b.config);
	else
		*out = b.config;
	return rc;
}

static int refuse_read(struct fg_error *error, const char *name, int code)
{
	return fg_error_set(error, code, "%s: cannot read: %s", name, strerror(code));
}

/* Read a whole file, whose size need not be known. The caller frees *text, also on error. */
static int read_all(int fd, const char *name, char **text, size_t *length, struct fg_error *error)
{
	size_t size = READ_BYTES_MIN;
	struct stat status;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		size = (size_t)status.st_size + 1; /* One more, to see the end at once. */
	for (ssize_t got = 1; got > 0; size *= 2) {
		const size_t max = size < FG_CONFIG_BYTES_MAX ? size : FG_CONFIG_BYTES_MAX + 1;
		char *larger = realloc(*text, max);

		if (larger == NULL)
			return out_of_memory(error, name);
		*text = larger;
		while (*length < max && (got = read(fd, *text + *length, max - *length)) > 0)
			*length += (size_t)got;
		if (got < 0)
			return refuse_read(error, name, errno);
		if (*length > FG_CONFIG_BYTES_MAX)
			return refuse_size(error, name);
	}
	return 0;
}

int fg_config_load(const char *path, struct fg_config **out, struct fg_error *error)
{
	const bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "stdin" : path;
	const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t length = 0;
	int rc;

	if (fd < 0)
		return fg_error_set(error, errno, "%s: cannot open: %s", path, strerror(errno));
	rc = read_all(fd, name, &text, &length, error);
	if (!standard)
		close(fd);
	if (rc == 0)
		rc = fg_config_load_text(name, text, length, out, error);
	free(text);
	return rc;
}

const struct fg_node *fg_config_root(const struct fg_config *config)
{
	return config->root;
}

void fg_config_free(struct fg_config *config)
{
	if (config == NULL)
		return;
	while (config->chunks != NULL) {
		struct chunk *chunk = config->chunks;

		config->chunks = chunk->next;
		free(chunk);
	}
	free(config);
}
