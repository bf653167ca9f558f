/* SPDX-License-Identifier: MIT */
/**
 * @file
 * How a feed's packets are laid out, as data: where the header keeps session,
 * channel, sequence and count, what is no data, how messages follow one
 * another, and where each names its instrument.
 *
 * Built in (fg_protocols[], in table.c):
 *
 *   name         feed                                    types      instrument
 *   moldudp64    MoldUDP64 and any messages in it        a byte     none
 *   itch50       MoldUDP64 with Nasdaq ITCH 5.0          a byte     locate
 *   cme_mdp3     CME MDP 3.0 (SBE)                       template   SecurityID in entries
 *   iex_tp       IEX-TP 1: TOPS, DEEP, DEEP+             a byte     symbol, 8 bytes
 *   nyse_pillar  NYSE XDP and Pillar                     number     symbol index
 *   cboe_pitch   Cboe multicast PITCH                    number     symbol, or order id only
 *   eurex_eobi   Eurex T7 EOBI                           template   SecurityID
 *   opra         OPRA binary                             category   symbol, 4 or 5 bytes
 *   cta          CTA CQS and CTS                         2 bytes    symbol, 11 or 5 bytes
 *   ice_impact   ICE iMpact                              a byte     market id
 *   miax_mach    MIAX MACH                               a byte     product id
 *   memx_memoir  MEMX Memoir                             template   security id
 *   b3_umdf      B3 Binary UMDF (SBE)                    template   SecurityID
 *   deribit      Deribit multicast (SBE)                 template   instrument id
 *
 * A desk describes its own in a file: fg_protocol_load().
 */
#ifndef FG_PROTOCOL_H
#define FG_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_feed_packet.h>

struct fg_node;

#define FG_PROTOCOL_CHECKS_MAX 4u
#define FG_PROTOCOL_ADMIN_MAX  8u
#define FG_TYPE_NONE           UINT32_MAX /**< A message too short to have a type. */
#define FG_TYPE_TEXT_BYTES     12u        /**< Enough for any type as text. */
#define FG_SYMBOL_BYTES        32u        /**< Longest instrument or symbol text. */

enum fg_order { FG_ORDER_LITTLE, FG_ORDER_BIG };

/** A number of 1, 2, 4 or 8 bytes, or a text of any length; no bytes: there is none. */
struct fg_field {
	uint16_t off; /**< From where that begins which it belongs to. */
	uint8_t bytes;
};

/** A header field that must be in [min, max], or the packet is of another protocol. */
struct fg_protocol_check {
	struct fg_field field;
	uint64_t min, max;
};

/** What an administrative packet's number means. */
enum fg_number {
	FG_NUMBER_NEXT,     /**< What comes next. */
	FG_NUMBER_LAST,     /**< What came last; next is one more. */
	FG_NUMBER_CONSUMES, /**< Its own: next is behind it. A heartbeat like that reads as data. */
};

/** A packet whose field is in [min, max] is not, or not just, data; the first that holds counts. */
struct fg_protocol_admin {
	uint8_t is;      /**< enum fg_feed_packet_kind. */
	uint8_t number;  /**< enum fg_number. */
	bool in_message; /**< The field is in the first message, else in the header. */
	bool empty;      /**< Such packets have no messages, whatever the count says. */
	struct fg_field field;
	uint64_t min, max;
	struct fg_field at; /**< The number, in the first message; none: the header's sequence. */
};

enum fg_counts { FG_COUNTS_MESSAGES, FG_COUNTS_PACKETS };

struct fg_header_shape {
	uint8_t order;  /**< enum fg_order, of every number in packet and messages. */
	uint8_t counts; /**< enum fg_counts: what a sequence number stands for. */
	bool units;     /**< Each message has a header of its own, with its own number. */
	uint8_t n_checks, n_admin;
	uint16_t bytes;          /**< Header of a data packet. */
	uint16_t min_bytes;      /**< Of the shortest packet; all fields but count are in these. */
	uint16_t messages_off;   /**< Where messages begin. */
	uint16_t length_bias;    /**< Payload bytes = the length field and this. */
	struct fg_field length;  /**< Payload bytes, as the packet says. */
	struct fg_field session; /**< Any bytes, 16 at most. */
	struct fg_field channel[2]; /**< Joined, first one higher; together 8 bytes at most. */
	struct fg_field sequence;   /**< 4 or 8 bytes. */
	struct fg_field count; /**< Messages; none: counted by walking where numbers count them. */
	struct fg_protocol_check checks[FG_PROTOCOL_CHECKS_MAX];
	struct fg_protocol_admin admin[FG_PROTOCOL_ADMIN_MAX];
};

enum fg_walk_kind {
	FG_WALK_LENGTH, /**< Each message says its length. */
	FG_WALK_TYPE,   /**< The type says it: lengths[] of fg_messages. */
	FG_WALK_OPRA,   /**< The same, and what is appended to some types. */
	FG_WALK_GROUPS, /**< SBE without length: root block, groups, variable data. */
	FG_WALK_REST,   /**< One message, all the rest. */
};

/**
 * How messages follow one another. A message's frame begins with its length;
 * the message proper, which every other offset counts from, may begin later.
 */
struct fg_walk_shape {
	uint8_t kind;           /**< enum fg_walk_kind. */
	uint8_t order;          /**< As in the header. */
	uint16_t min_bytes;     /**< Shortest frame; covers every field here but type. Over 0. */
	uint16_t body;          /**< Where in the frame the message begins. */
	uint16_t length_bias;   /**< Frame bytes = the length field and this. */
	struct fg_field length; /**< In the frame; 1, 2 or 4 bytes. */
	struct fg_field type;   /**< In the message; 1, 2 or 4 bytes, or none. */
};

/** SBE: where groups of a message begin and how they follow one another. */
struct fg_group_shape {
	uint16_t root;               /**< Where in the message the root block begins. */
	struct fg_field root_bytes;  /**< In the message: length of the root block. */
	struct fg_field n_groups;    /**< In the message; for FG_WALK_GROUPS. */
	struct fg_field n_data;      /**< In the message: fields of variable length. */
	uint16_t header_bytes;       /**< Group header; 0: no groups. */
	struct fg_field entry_bytes; /**< In the group header. */
	struct fg_field entries;     /**< In the group header. */
	struct fg_field nested;      /**< In the group header: groups in each entry; must be 0. */
	struct fg_field entry_data;  /**< In the group header: variable fields in each entry. */
	uint8_t data_length_bytes;   /**< 1 or 2: length before each variable field. */
};

enum fg_instrument_kind {
	FG_INSTRUMENT_NONE,     /**< The message is of no instrument, or of all. */
	FG_INSTRUMENT_NUMBER,   /**< id holds a number. */
	FG_INSTRUMENT_TEXT,     /**< id holds a symbol, padded with blanks or zeros. */
	FG_INSTRUMENT_ORDER,    /**< Only an order is named. */
	FG_INSTRUMENT_PREVIOUS, /**< That of the message before it in the packet. */
};

/** A type of message. */
struct fg_message_type {
	uint32_t type;
	uint8_t instrument; /**< enum fg_instrument_kind. */
	uint8_t group;      /**< id is in each entry of this group, from 1; 0: in the message. */
	bool maps_symbol;   /**< Tells which symbol a number stands for. */
	bool adds_order;    /**< The order is of the instrument named, from here on. */
	bool ends_order;    /**< The order is gone after it. */
	struct fg_field id; /**< The instrument. */
	struct fg_field symbol;    /**< The symbol, where the instrument is a number. */
	struct fg_field order;     /**< The order. */
	struct fg_field new_order; /**< An order that takes its place: of the same instrument. */
	uint64_t null_value;       /**< A number that, like 0, stands for no instrument. */
	const char *name;
};

/** The messages of a feed. */
struct fg_messages {
	const char *name; /**< As a file names them. */
	bool text;        /**< Types are characters. */
	uint32_t count;
	const struct fg_message_type *types; /**< Ascending by type. */
	struct fg_message_type other;        /**< For types not listed. */
	const uint16_t *lengths; /**< FG_WALK_TYPE, _OPRA: [256] by type, bytes; 0: not known. */
};

enum fg_protocol_hot {
	FG_HOT_NONE,
	FG_HOT_MOLDUDP64, /**< Reading and walking have code of their own: hot.h. */
	FG_HOT_CME_MDP3,
};

/** A protocol. May be copied, and given other messages. */
struct fg_protocol {
	const char *name;
	const char *help; /**< One line for people. */
	uint8_t hot;      /**< enum fg_protocol_hot: header and walk are just that one's. */
	struct fg_header_shape header;
	struct fg_walk_shape walk;
	struct fg_group_shape groups;
	const struct fg_messages *messages; /**< Never NULL. */
};

/** Every protocol built in; the last has no name. */
extern const struct fg_protocol fg_protocols[];

/** Every set of messages built in, NULL-terminated. */
extern const struct fg_messages *const fg_message_sets[];

/** The protocol of that name or NULL. Threads: any. */
const struct fg_protocol *fg_protocol_find(const char *name);

/** The set of messages of that name or NULL. Threads: any. */
const struct fg_messages *fg_messages_find(const char *name);

/**
 * Read a packet's header. Hot.
 *
 * @param payload  UDP payload, @p len bytes.
 * @param out      Of use on success only. Control packets without messages have
 *                 messages_end = messages_off. RESET and END give in first
 *                 what comes next, count 0, also where they use a number.
 * @return
 *   0         Success.
 *   -EMSGSIZE Shorter than its header or than it says itself.
 *   -EPROTO   Not this protocol: a check does not hold.
 *   -EBADMSG  Messages counted by walking: a length lies, or numbers do not follow one another.
 * Threads: any.
 */
int fg_protocol_read(const struct fg_protocol *protocol, const uint8_t *payload, uint16_t len,
		     struct fg_feed_packet *out);

/** What is known of a type; never NULL. Threads: any. */
const struct fg_message_type *fg_messages_get(const struct fg_messages *messages, uint32_t type);

/**
 * A type as people write it: its name ("AddOrder", in any case), its
 * characters where types are characters ("A"), else its number.
 * @return 0, -ENOENT: no such name, and neither characters nor a number that fit.
 */
int fg_protocol_type(const struct fg_protocol *protocol, const char *text, uint32_t *type);

/** A type as characters or number. Returns @p text. */
const char *fg_protocol_type_text(const struct fg_protocol *protocol, uint32_t type,
				  char text[FG_TYPE_TEXT_BYTES]);

/**
 * Make a protocol of what a file says: the name of one built in, or a map. See
 * load.c for its keys; `like: NAME` begins with one built in.
 *
 * @param out  Set on success; free with fg_protocol_free().
 * @return 0; -EINVAL or -ERANGE with place and reason in @p error; -ENOMEM.
 * Threads: control.
 */
int fg_protocol_load(const struct fg_node *node, struct fg_protocol **out, struct fg_error *error);

/** Free what fg_protocol_load() made; NULL is allowed. */
void fg_protocol_free(struct fg_protocol *protocol);

/**
 * Whether a protocol holds together, so that reading and walking stay in a
 * packet whatever is in it. Those built in and those loaded do.
 * @return 0 or -EINVAL with the reason.
 */
int fg_protocol_check(const struct fg_protocol *protocol, struct fg_error *error);

#endif /* FG_PROTOCOL_H */
