/* SPDX-License-Identifier: MIT */
/* The replay source: the contents of files, and files that are refused. */
#include <errno.h>
#include <ftw.h>

#include <fg_burst.h>

#include "replay_rig.h"

/* Replay a file of @count packets to its end. */
static void check_replay(const char *path, uint32_t count, uint64_t unit_ns)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig rig;
	uint32_t next = 0;

	assert_int_equal(rig_open(&rig, "replay", 1, 512, (const char *[]){"path", path, NULL}), 0);
	rig_start(&rig);
	while (!ended(&rig)) {
		const uint16_t n = pull(&rig, pkts);

		for (uint16_t i = 0; i < n; i++)
			check_packet(pkts[i], next++, 0, unit_ns);
		rte_pktmbuf_free_bulk(pkts, n);
	}
	assert_int_equal(next, count);
	assert_int_equal(pull(&rig, pkts), 0);
	rig_close(&rig);
}

static void test_replay_pcap(void **state)
{
	(void)state;
	check_replay(write_file("us.pcap", 1000, PCAP_TSTAMP_PRECISION_MICRO), 1000, 1000);
	check_replay(write_file("ns.pcap", 1000, PCAP_TSTAMP_PRECISION_NANO), 1000, 1);
	check_replay(write_file("one.pcap", 1, PCAP_TSTAMP_PRECISION_NANO), 1, 1);
	/* Several chunks and several blocks. */
	check_replay(write_file("big.pcap", 70000, PCAP_TSTAMP_PRECISION_NANO), 70000, 1);
	unlink(in_folder("big.pcap"));
	check_replay(write_file("none.pcap", 0, PCAP_TSTAMP_PRECISION_NANO), 0, 1);
}

static void test_replay_pcapng(void **state)
{
	char command[256];

	(void)state;
	write_file("ns.pcap", 1000, PCAP_TSTAMP_PRECISION_NANO);
	snprintf(command, sizeof(command), "cd %s && editcap -F pcapng ns.pcap ns.pcapng 2>&1",
		 folder);
	if (system(command) != 0) {
		print_message("no editcap: pcapng skipped\n");
		skip();
	}
	check_replay(in_folder("ns.pcapng"), 1000, 1);
}

static int open_replay(struct rig *rig, const char *path, uint16_t n_queues)
{
	return rig_open(rig, "replay", n_queues, 64, (const char *[]){"path", path, NULL});
}

static void copy_part(const char *from, const char *to, size_t bytes, size_t flip)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(from, "rb");
	const size_t size = fread(data, 1, sizeof(data), file);

	fclose(file);
	if (flip < size)
		data[flip] ^= (uint8_t)(1 + flip % 255);
	file = fopen(to, "wb");
	fwrite(data, 1, RTE_MIN(bytes, size), file);
	fclose(file);
}

static void test_replay_errors(void **state)
{
	struct pcap_pkthdr header = {.caplen = 70000, .len = 70000};
	static uint8_t data[70000];
	struct rig rig;
	pcap_dumper_t *dumper;
	pcap_t *dead;

	(void)state;
	assert_int_equal(open_replay(&rig, "/no/such/file", 1), -ENOENT);
	assert_string_equal(rig.error.text,
			    "replay /no/such/file: cannot open: No such file or directory");
	assert_int_equal(open_replay(&rig, folder, 1), -EINVAL);
	assert_int_equal(open_replay(&rig, write_file("ok.pcap", 5, 0), 2), -EINVAL);
	assert_non_null(strstr(rig.error.text, "1 queue"));

	dead = pcap_open_dead(DLT_IEEE802_11_RADIO, 65535);
	pcap_dump_close(pcap_dump_open(dead, in_folder("wifi.pcap")));
	pcap_close(dead);
	assert_int_equal(open_replay(&rig, in_folder("wifi.pcap"), 1), -EINVAL);
	assert_non_null(strstr(rig.error.text, "wifi.pcap: link type is IEEE802_11_RADIO (127)"));

	write_file("ok.pcap", 1, 0);
	dead = pcap_open_dead(DLT_EN10MB, 262144);
	dumper = pcap_dump_open(dead, in_folder("jumbo.pcap"));
	pcap_dump((u_char *)dumper, &(struct pcap_pkthdr){.caplen = 65535, .len = 65535}, data);
	pcap_dump((u_char *)dumper, &header, data);
	pcap_dump_close(dumper);
	pcap_close(dead);
	assert_int_equal(open_replay(&rig, in_folder("jumbo.pcap"), 1), -EINVAL);
	assert_non_null(strstr(rig.error.text, "jumbo.pcap: packet 2 (record at byte 65575): has "
					       "70000 bytes, at most 65535 fit"));
}

static void drain(struct rig *rig, uint64_t *packets, uint64_t *bytes)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];

	*packets = 0;
	*bytes = 0;
	rig_start(rig);
	while (!ended(rig)) {
		const uint16_t n = pull(rig, pkts);

		for (uint16_t i = 0; i < n; i++)
			*bytes += rte_pktmbuf_pkt_len(pkts[i]);
		rte_pktmbuf_free_bulk(pkts, n);
		*packets += n;
	}
	rig_close(rig);
}

/* A file truncated anywhere, or with any damaged byte at its start, loads or gives an error. */
static void test_replay_broken(void **state)
{
	char whole[256], part[256];
	uint64_t packets, bytes;
	struct rig rig;

	(void)state;
	snprintf(whole, sizeof(whole), "%s", write_file("whole.pcap", 3, 0));
	snprintf(part, sizeof(part), "%s", in_folder("part.pcap"));
	for (size_t cut = 0; cut < 24 + 3 * 16 + 60 + 97 + 134; cut++) {
		const bool between = cut == 24 || cut == 100 || cut == 213;

		copy_part(whole, part, cut, SIZE_MAX);
		assert_int_equal(open_replay(&rig, part, 1), between ? 0 : -EINVAL);
		if (between)
			drain(&rig, &packets, &bytes);
		else
			assert_non_null(strstr(rig.error.text, "part.pcap"));
	}
	copy_part(whole, part, 150, SIZE_MAX);
	assert_int_equal(open_replay(&rig, part, 1), -EINVAL);
	assert_non_null(
		strstr(rig.error.text, "part.pcap: packet 2 (record at byte 100): truncated"));
	for (size_t flip = 0; flip < 24 + 16; flip++) {
		copy_part(whole, part, SIZE_MAX, flip);
		if (open_replay(&rig, part, 1) == 0)
			drain(&rig, &packets, &bytes);
	}
}

/* Allocate all DPDK memory but @left_mib; give_back() frees it. */
static void *hog[1024];
static unsigned int n_hog;

static void take_memory(unsigned int left_mib)
{
	while (n_hog < RTE_DIM(hog) && (hog[n_hog] = rte_malloc(NULL, 1 << 20, 0)) != NULL)
		n_hog++;
	for (unsigned int i = 0; i < left_mib; i++)
		rte_free(hog[--n_hog]);
}

static void give_back(void)
{
	while (n_hog > 0)
		rte_free(hog[--n_hog]);
}

/* With little DPDK memory the error names how much is needed, and all memory is freed. */
static void test_replay_no_memory(void **state)
{
	const char *path = write_file("big.pcap", 40000, PCAP_TSTAMP_PRECISION_NANO);
	struct rig rig;

	(void)state;
	take_memory(20);
	assert_int_equal(open_replay(&rig, path, 1), -ENOMEM);
	assert_non_null(strstr(rig.error.text, "big.pcap: needs "));
	assert_non_null(strstr(rig.error.text, " MiB of DPDK memory; give EAL more with -m"));
	print_message("%s\n", rig.error.text);
	give_back();
	unlink(path);
}

/* Compressors, which read standard input. */
static const struct {
	const char *program, *command, *name;
} compressors[] = {
	{"gzip", "gzip -n", "gzip"}, {"zstd", "zstd -q --check", "zstd"}, {"xz", "xz", "xz"},
	{"lz4", "lz4 -q", "lz4"},    {"bzip2", "bzip2", "bzip2"},
};

/* Compress file @from to @to, in the folder; false if @compressor is not installed. */
static bool compress_file(size_t compressor, const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "command -v %s >/dev/null",
		 compressors[compressor].program);
	if (system(command) != 0) {
		print_message("no %s: skipped\n", compressors[compressor].program);
		return false;
	}
	snprintf(command, sizeof(command), "cd %s && %s <%s >%s", folder,
		 compressors[compressor].command, from, to);
	assert_int_equal(system(command), 0);
	return true;
}

static void run_in_folder(const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && %s", folder, text);
	assert_int_equal(system(command), 0);
}

static void test_replay_compressed(void **state)
{
	(void)state;
	for (size_t c = 0; c < RTE_DIM(compressors); c++) {
		write_file("in", 2000, PCAP_TSTAMP_PRECISION_NANO);
		if (compress_file(c, "in", "out"))
			check_replay(in_folder("out"), 2000, 1);
		write_file("in", 0, PCAP_TSTAMP_PRECISION_NANO);
		if (compress_file(c, "in", "out"))
			check_replay(in_folder("out"), 0, 1);
	}
	write_file("in", 70000, PCAP_TSTAMP_PRECISION_MICRO);
	run_in_folder("gzip -1 <in >out");
	check_replay(in_folder("out"), 70000, 1000);
}

/* Several gzip members are one file, and trailing bytes are ignored; pipes work, too. */
static void test_replay_members(void **state)
{
	(void)state;
	write_file("in", 2000, PCAP_TSTAMP_PRECISION_NANO);
	run_in_folder("(head -c 777777 in | gzip; tail -c +777778 in | gzip) >out");
	check_replay(in_folder("out"), 2000, 1);
	run_in_folder("head -c 1000 /dev/zero >>out");
	check_replay(in_folder("out"), 2000, 1);
	run_in_folder("mkfifo pipe && (cat out >pipe &)");
	check_replay(in_folder("pipe"), 2000, 1);
	run_in_folder("cat in >pipe &");
	check_replay(in_folder("pipe"), 2000, 1);
}

/*
 * A damaged file is refused, and the error has its name, or its contents are intact. Checksums
 * mostly come last: libpcap may find a damaged byte before the decompressor does.
 */
static void check_damaged(const char *path, uint32_t count)
{
	struct rig rig;

	if (open_replay(&rig, path, 1) == 0) {
		rig_close(&rig);
		check_replay(path, count, 1);
	} else {
		assert_non_null(strstr(rig.error.text, path));
	}
}

/* A truncated file is refused with that reason. */
static void check_cut(const char *path, const char *compressor)
{
	char name[64];
	struct rig rig;

	snprintf(name, sizeof(name), " %s: ", compressor);
	assert_int_equal(open_replay(&rig, path, 1), -EINVAL);
	assert_non_null(strstr(rig.error.text, path));
	if (strstr(rig.error.text, name) == NULL)
		fail_msg("%s cut: %s", compressor, rig.error.text);
}

static void test_replay_compressed_broken(void **state)
{
	char whole[256], part[256];

	(void)state;
	snprintf(whole, sizeof(whole), "%s", in_folder("whole"));
	snprintf(part, sizeof(part), "%s", in_folder("part"));
	for (size_t c = 0; c < RTE_DIM(compressors); c++) {
		struct stat status;

		write_file("in", 12, PCAP_TSTAMP_PRECISION_NANO);
		if (!compress_file(c, "in", "whole"))
			continue;
		assert_int_equal(stat(whole, &status), 0);
		for (size_t cut = 8; cut < (size_t)status.st_size; cut += 1 + cut / 64) {
			copy_part(whole, part, cut, SIZE_MAX);
			check_cut(part, compressors[c].name);
		}
		for (size_t flip = 6; flip < (size_t)status.st_size; flip += 1 + flip / 64) {
			copy_part(whole, part, SIZE_MAX, flip);
			check_damaged(part, 12);
		}
	}
}

/* A small compressed file with more contents than memory is refused, with a good estimate. */
static void test_replay_bomb(void **state)
{
	const struct pcap_pkthdr header = {.caplen = 1400, .len = 1400};
	static const uint8_t zeros[1400];
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(dead, in_folder("in"));
	unsigned int mib = 0;
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < 100 * 1024 * 1024 / 1408; i++)
		pcap_dump((u_char *)dumper, &header, zeros);
	pcap_dump_close(dumper);
	pcap_close(dead);
	take_memory(20);
	for (size_t c = 0; c < RTE_DIM(compressors) && c < 2; c++) {
		if (!compress_file(c, "in", "bomb"))
			continue;
		assert_int_equal(open_replay(&rig, in_folder("bomb"), 1), -ENOMEM);
		print_message("%s\n", rig.error.text);
		assert_int_equal(sscanf(strstr(rig.error.text, "needs"), "needs %u MiB", &mib), 1);
		assert_in_range(mib, 50, 300);
	}
	give_back();
	unlink(in_folder("in"));
}

/*
 * Read a file with libpcap; false if it refuses it, or the link type is another. @cut: it cut
 * packets to the snapshot length.
 */
static bool read_with_libpcap(const char *path, uint64_t *packets, uint64_t *bytes, bool *cut)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct pcap_pkthdr *header;
	const u_char *data;
	bool good;
	int rc;

	*packets = *bytes = 0;
	*cut = false;
	if (pcap == NULL)
		return false;
	good = pcap_datalink(pcap) == DLT_EN10MB;
	while ((rc = pcap_next_ex(pcap, &header, &data)) == 1) {
		++*packets;
		*bytes += header->caplen;
		good = good && header->caplen <= 65535;
		*cut = *cut || header->caplen == (bpf_u_int32)pcap_snapshot(pcap);
	}
	pcap_close(pcap);
	return good && rc == PCAP_ERROR_BREAK;
}

static int n_loaded, n_refused;

static int check_capture(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	uint64_t packets, bytes, expected_packets, expected_bytes;
	struct rig rig;
	bool cut;

	(void)status;
	(void)ftw;
	if (type != FTW_F || strstr(path, ".pcap") == NULL)
		return 0;
	if (!read_with_libpcap(path, &expected_packets, &expected_bytes, &cut)) {
		if (open_replay(&rig, path, 1) == 0) {
			drain(&rig, &packets, &bytes);
			return 0;
		}
		assert_non_null(strstr(rig.error.text, path));
		n_refused++;
		return 0;
	}
	assert_int_equal(open_replay(&rig, path, 1), 0);
	drain(&rig, &packets, &bytes);
	assert_int_equal(packets, expected_packets);
	assert_true(cut ? bytes >= expected_bytes : bytes == expected_bytes);
	n_loaded++;
	return 0;
}

static void test_replay_collection(void **state)
{
	const char *data = getenv("FG_TEST_DATA");

	(void)state;
	if (data == NULL || access(data, R_OK) != 0) {
		print_message("FG_TEST_DATA names no folder: its captures are skipped\n");
		skip();
	}
	assert_int_equal(nftw(data, check_capture, 16, FTW_PHYS), 0);
	print_message("%d captures loaded, %d refused\n", n_loaded, n_refused);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_pcap),
		cmocka_unit_test(test_replay_pcapng),
		cmocka_unit_test(test_replay_errors),
		cmocka_unit_test(test_replay_broken),
		cmocka_unit_test(test_replay_no_memory),
		cmocka_unit_test(test_replay_compressed),
		cmocka_unit_test(test_replay_members),
		cmocka_unit_test(test_replay_compressed_broken),
		cmocka_unit_test(test_replay_bomb),
		cmocka_unit_test(test_replay_collection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_with_eal(run_all);
}
