/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Protocols of market-data feeds, described as data.
 *
 * A descriptor, struct fg_protocol, says how a feed's UDP payloads are laid out:
 * where the packet header has session, channel, sequence number and count; which
 * packets are heartbeats and other admin messages; how one message follows another;
 * and where a message has its type, instrument and order. The code that reads
 * headers and walks over messages is the same for all protocols.
 *
 * fg_protocols[] has the built-in ones; `feedgate --list-protocols` prints them. A
 * configuration file can describe others: fg_protocol_load().
 *
 * Use: fg_protocol_read() for a packet's header, then fg_walk.h for its messages.
 * Nothing here has state: a descriptor is read-only and may be used by any thread.
 */
#ifndef FG_PROTOCOL_H
#define FG_PROTOCOL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_feed_packet.h>

struct fg_node;

#define FG_PROTOCOL_CHECKS_MAX 4u
#define FG_PROTOCOL_ADMIN_MAX  8u
#define FG_TYPE_NONE           UINT32_MAX /**< Type of a message that is too short to have one. */
#define FG_TYPE_TEXT_BYTES     12u        /**< Room for any type as text. */
#define FG_SYMBOL_BYTES        32u        /**< The longest symbol. */

enum fg_order { FG_ORDER_LITTLE, FG_ORDER_BIG };

/** Where a field is: a number of 1, 2, 4 or 8 bytes, or a text. With 0 bytes there is none. */
struct fg_field {
	uint16_t off; /**< From the start of the header, frame, message or entry it belongs to. */
	uint8_t bytes;
};

/** A header field that must be in [min, max]; else the packet is of another protocol. */
struct fg_protocol_check {
	struct fg_field field;
	uint64_t min, max;
};

/** The meaning of the sequence number of an admin packet. */
enum fg_number {
	FG_NUMBER_NEXT,     /**< The number that comes next. */
	FG_NUMBER_LAST,     /**< The number that came last; the next is one more. */
	FG_NUMBER_CONSUMES, /**< The packet uses it; the next is one more. A heartbeat is then data.
			     */
};

/**
 * Packets that are not data, or not only: those whose field is in [min, max]. The
 * first row that holds for a packet counts.
 */
struct fg_protocol_admin {
	uint8_t is;      /**< enum fg_feed_packet_kind. */
	uint8_t number;  /**< enum fg_number. */
	bool in_message; /**< `field` is in the first message, else in the header. */
	/** The packet has no messages, whatever its count; with `units`, a header and no more. */
	bool empty;
	bool bare; /**< The row holds only for packets that end with their header. */
	struct fg_field field;
	uint64_t min, max;
	struct fg_field at; /**< The number, in the first message; none: the header's sequence. */
};

/** What a sequence number counts. */
enum fg_counts { FG_COUNTS_MESSAGES, FG_COUNTS_PACKETS };

/** A checksum over the whole packet but the field that holds it. */
enum fg_checksum {
	FG_CHECKSUM_SUM16, /**< The sum of the bytes, modulo 65,536. */
};

/** The packet header. */
struct fg_header_shape {
	uint8_t order;  /**< enum fg_order, of all numbers in packet and messages. */
	uint8_t counts; /**< enum fg_counts. */
	bool units;     /**< Each message has a header of its own, for which checks hold, too. */
	uint8_t n_checks, n_admin;
	uint16_t bytes;             /**< Of a data packet's header. */
	uint16_t min_bytes;         /**< Of the shortest packet; it has all fields but `count`. */
	uint16_t messages_off;      /**< Start of the messages. */
	uint16_t length_bias;       /**< Payload bytes = the length field + this. */
	struct fg_field length;     /**< The payload's length: must be that of the UDP payload. */
	struct fg_field session;    /**< Any bytes, FG_SESSION_BYTES at most. */
	struct fg_field channel[2]; /**< Joined, [0] above [1]; 8 bytes at most in sum. */
	struct fg_field sequence;   /**< 4 or 8 bytes. */
	struct fg_field count; /**< Messages. None: they are counted, where numbers count them. */
	struct fg_field checksum; /**< None, or 2 bytes. */
	uint8_t checksum_kind;    /**< enum fg_checksum. */
	struct fg_protocol_check checks[FG_PROTOCOL_CHECKS_MAX];
	struct fg_protocol_admin admin[FG_PROTOCOL_ADMIN_MAX];
};

/** How the end of a message is found. */
enum fg_walk_kind {
	FG_WALK_LENGTH, /**< Each message has its length. */
	FG_WALK_TYPE,   /**< By its type: fg_messages.lengths. */
	FG_WALK_OPRA,   /**< The same, and OPRA's appendages to some types. */
	FG_WALK_GROUPS, /**< SBE without a length: root block, groups, variable-length data. */
	FG_WALK_REST,   /**< One message, to the end of the payload. */
};

/**
 * How messages follow one another. A message stands in a frame, which starts with
 * the length. The message itself may start later; the offsets of its fields count
 * from there.
 */
struct fg_walk_shape {
	uint8_t kind;           /**< enum fg_walk_kind. */
	uint8_t order;          /**< As in the header. */
	uint8_t pad_to;         /**< Packets are padded to a multiple of this; 0: not padded. */
	uint16_t min_bytes;     /**< Of the shortest frame, over 0; it has all fields but `type`. */
	uint16_t body;          /**< Start of the message in its frame. */
	uint16_t length_bias;   /**< Frame bytes = the length field + this. */
	struct fg_field length; /**< In the frame; 1, 2 or 4 bytes. */
	struct fg_field type;   /**< In the message; 1, 2 or 4 bytes, or none. */
};

/** The repeating groups of SBE messages. */
struct fg_group_shape {
	uint16_t root;               /**< Start of the root block in the message. */
	struct fg_field root_bytes;  /**< In the message: bytes of the root block. */
	struct fg_field n_groups;    /**< In the message: number of groups; for FG_WALK_GROUPS. */
	struct fg_field n_data;      /**< In the message: number of variable-length fields. */
	uint16_t header_bytes;       /**< Of a group's header; 0: no groups. */
	struct fg_field entry_bytes; /**< In the group header: bytes of an entry. */
	struct fg_field entries;     /**< In the group header: number of entries. */
	struct fg_field nested;      /**< In the group header: groups of each entry; must be 0. */
	struct fg_field entry_data; /**< In the group header: variable-length fields of an entry. */
	uint8_t data_length_bytes;  /**< 1 or 2: of the length before each variable-length field. */
};

/** How a message names its instrument. */
enum fg_instrument_kind {
	FG_INSTRUMENT_NONE,     /**< Not at all: it is of no instrument, or of all. */
	FG_INSTRUMENT_NUMBER,   /**< By a number in `id`. */
	FG_INSTRUMENT_TEXT,     /**< By a symbol in `id`, padded with blanks or zeros. */
	FG_INSTRUMENT_ORDER,    /**< By the order alone. */
	FG_INSTRUMENT_PREVIOUS, /**< It is of the same instrument as the message before it. */
};

/** A type of message. */
struct fg_message_type {
	uint32_t type;
	uint8_t instrument; /**< enum fg_instrument_kind. */
	uint8_t group;      /**< `id` is in each entry of this group, from 1; 0: in the message. */
	bool maps_symbol;   /**< The message gives an instrument number its symbol. */
	bool adds_order;    /**< From this message on the order is of the instrument. */
	bool ends_order;    /**< The order ends with this message. */
	struct fg_field id; /**< The instrument. */
	struct fg_field symbol;    /**< The symbol, where `id` is a number. */
	struct fg_field order;     /**< The order. */
	struct fg_field new_order; /**< The order that replaces it, of the same instrument. */
	uint64_t null_value;       /**< A number that, like 0, stands for no instrument. */
	const char *name;          /**< NULL: none. */
};

static_assert(sizeof(struct fg_message_type) <= 64, "a row takes a cache line at most");

/** The messages of a protocol. */
struct fg_messages {
	const char *name; /**< For the `messages` key of a feed. */
	bool text;        /**< Types are characters. */
	/** Instrument numbers stay the same when a reset (FG_FEED_RESET) is announced. */
	bool keeps_numbers;
	uint32_t count;
	const struct fg_message_type *types; /**< [count], ascending by type. */
	struct fg_message_type other;        /**< For all types that are not in `types`. */
	/** [256] by type: bytes of the message, 0: unknown; for FG_WALK_TYPE and FG_WALK_OPRA. */
	const uint16_t *lengths;
};

/** X(name): the built-in protocols. The order is that of lists; fuzz seeds depend on it. */
#define FG_PROTOCOLS(X)                                                                            \
	X(moldudp64)                                                                               \
	X(itch50)                                                                                  \
	X(cme_mdp3)                                                                                \
	X(iex_tp)                                                                                  \
	X(nyse_pillar)                                                                             \
	X(cboe_pitch)                                                                              \
	X(eurex_eobi)                                                                              \
	X(opra)                                                                                    \
	X(cta)                                                                                     \
	X(ice_impact)                                                                              \
	X(miax_mach)                                                                               \
	X(memx_memoir)                                                                             \
	X(b3_umdf)                                                                                 \
	X(deribit)

/** Which protocol's constants the code for a descriptor is compiled with. */
enum fg_compiled {
	FG_COMPILED_NONE, /**< None: the code reads the descriptor. */
#define X(name) FG_COMPILED_##name,
	FG_PROTOCOLS(X)
#undef X
		FG_COMPILED_COUNT
};

/** A protocol. It may be copied, and the copy given other messages. */
struct fg_protocol {
	const char *name;
	const char *help; /**< One line, for lists. */
	/** enum fg_compiled: header, walk and groups are exactly that protocol's. */
	uint8_t compiled;
	bool ignore_checksum; /**< fg_protocol_verify() leaves header.checksum out. */
	struct fg_header_shape header;
	struct fg_walk_shape walk;
	struct fg_group_shape groups;
	const struct fg_messages *messages; /**< Never NULL. */
};

/** Every built-in protocol, NULL-terminated. */
extern const struct fg_protocol *const fg_protocols[];

/** The built-in protocol of that name; NULL: none. Threads: any. */
const struct fg_protocol *fg_protocol_find(const char *name);

/** The messages of that name, of any built-in protocol; NULL: none. Threads: any. */
const struct fg_messages *fg_messages_find(const char *name);

/**
 * Read a packet's header. Hot.
 *
 * @param payload  The UDP payload, @p len bytes.
 * @param out      Set on success, but for arrival_ns; digest is 0. An admin packet without messages
 *                 has n_messages = 0. With RESET and END, `first` is the number that comes
 *                 next and count is 0, also where the packet itself uses a number.
 * @return
 *   0          Success.
 *   -EMSGSIZE  The payload is shorter than the header, or than the header's length.
 *   -EPROTO    Another protocol: a check does not hold.
 *   -EOVERFLOW The payload is longer than the header's length.
 *   -ENODATA   The payload has no room for as many messages as the header counts.
 *   -EBADMSG   Messages must be counted, and a length is wrong or their numbers have a hole.
 * Threads: any.
 */
int fg_protocol_read(const struct fg_protocol *protocol, const uint8_t *payload, uint16_t len,
		     struct fg_feed_packet *out);

/** The row of a type, or that of other types; never NULL. Threads: any. */
const struct fg_message_type *fg_messages_get(const struct fg_messages *messages, uint32_t type);

/**
 * Parse a type: its name ("AddOrder", in any case), its characters where types are
 * characters ("A"), or else its number.
 * @return 0 with @p type set; -ENOENT: no such name, and not a type's characters or number.
 * Threads: any.
 */
int fg_protocol_type(const struct fg_protocol *protocol, const char *text, uint32_t *type);

/** Format a type as characters or number. @return @p text. Threads: any. */
const char *fg_protocol_type_text(const struct fg_protocol *protocol, uint32_t type,
				  char text[FG_TYPE_TEXT_BYTES]);

/**
 * Make a protocol from a configuration: the name of a built-in one, or a map. load.c
 * has the keys of the map; `like: NAME` starts with a built-in one.
 *
 * @param out  Set on success; free it with fg_protocol_free().
 * @return 0; -EINVAL or -ERANGE, with file, line, column and reason in @p error; -ENOMEM.
 * Threads: control.
 */
int fg_protocol_load(const struct fg_node *node, struct fg_protocol **out, struct fg_error *error);

/** Free a protocol of fg_protocol_load(); NULL is allowed. Threads: control. */
void fg_protocol_free(struct fg_protocol *protocol);

/**
 * Check that a descriptor is consistent, so that reading and walking stay within a
 * packet whatever it holds. The built-in and the loaded ones are.
 * @return 0; -EINVAL with the reason in @p error. Threads: any.
 */
int fg_protocol_check(const struct fg_protocol *protocol, struct fg_error *error);

#endif /* FG_PROTOCOL_H */
