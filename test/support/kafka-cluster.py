# A mock cluster of librdkafka, the C client of Kafka: its brokers speak the real protocol and keep their messages in memory.
# Reads commands, one line of JSON each: [function, arguments...]; answers each with the error code.
import ctypes
import json
import sys

library = ctypes.CDLL('librdkafka.so.1')
pointer = ctypes.c_void_p
for name in ('rd_kafka_conf_new', 'rd_kafka_new', 'rd_kafka_mock_cluster_new'):
    getattr(library, name).restype = pointer
library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p

reason = ctypes.create_string_buffer(512)
configuration = pointer(library.rd_kafka_conf_new())
library.rd_kafka_conf_set(configuration, b'log_level', b'0', reason, ctypes.c_size_t(512))
client = pointer(library.rd_kafka_new(0, configuration, reason, ctypes.c_size_t(512)))
cluster = pointer(library.rd_kafka_mock_cluster_new(client, int(sys.argv[1])))
library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
print(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)


def argument(value):
    return value.encode() if isinstance(value, str) else value


for line in sys.stdin:
    function, *given = json.loads(line)
    code = getattr(library, 'rd_kafka_mock_' + function)(cluster, *map(argument, given))
    # some return nothing
    print(0 if function in ('push_request_errors', 'topic_set_error') else code, flush=True)
