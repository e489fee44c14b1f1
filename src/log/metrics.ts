import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
// its index loads 70 modules more, most of them of OpenTelemetry, for figures of the process that nobody here asks for
import OwnCounter from 'prom-client/lib/counter.js';
import OwnGauge from 'prom-client/lib/gauge.js';
import OwnHistogram from 'prom-client/lib/histogram.js';
import OwnRegistry from 'prom-client/lib/registry.js';

const HOST = ['production', 'host'] as const;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * The metrics of one engine in the Prometheus text format. Labels are names of hosts, never of
 * messages or patients.
 */
export interface Metrics {
  readonly accepted: Counter<'production' | 'host'>;
  readonly duplicates: Counter<'production' | 'host'>;
  readonly refused: Counter<'production' | 'host'>;
  readonly settled: Counter<'production' | 'host' | 'status'>;
  readonly retries: Counter<'production' | 'host'>;
  readonly acceptSeconds: Histogram<'production' | 'host'>;
  readonly sendSeconds: Histogram<'production' | 'host'>;
  readonly totalSeconds: Histogram<'production' | 'host'>;
  readonly queueDepth: Gauge<'production' | 'host'>;
  readonly queueAge: Gauge<'production' | 'host'>;
  readonly hostUp: Gauge<'production' | 'host'>;
  readonly connectionUp: Gauge<'production' | 'host'>;
  readonly events: Counter<'production' | 'host' | 'event'>;
  /** Run before each scrape to bring the gauges up to date. */
  onScrape(collect: () => Promise<void>): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** Each engine has its own registry, so that several can live in one process. */
export function metrics(): Metrics {
  const registers = [new OwnRegistry()];
  const [registry] = registers as [Registry];
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Counter<Label> => new OwnCounter({ name, help, labelNames: [...labelNames], registers });
  const gauge = (name: string, help: string): Gauge<'production' | 'host'> =>
    new OwnGauge({ name, help, labelNames: [...HOST], registers });
  const histogram = (name: string, help: string): Histogram<'production' | 'host'> =>
    new OwnHistogram({ name, help, labelNames: [...HOST], buckets: SECONDS, registers });
  const collectors: (() => Promise<void>)[] = [];
  return {
    accepted: counter('waybill_messages_accepted_total', 'Messages stored for a service.', HOST),
    duplicates: counter(
      'waybill_messages_duplicate_total',
      'Messages that were already stored.',
      HOST,
    ),
    refused: counter('waybill_messages_refused_total', 'Messages that could not be stored.', HOST),
    settled: counter(
      'waybill_messages_settled_total',
      'Messages that ended at a host, by outcome.',
      [...HOST, 'status'],
    ),
    retries: counter('waybill_send_retries_total', 'Failed tries that were repeated.', HOST),
    acceptSeconds: histogram(
      'waybill_accept_seconds',
      'From the arrival of a message to its acknowledgement.',
    ),
    sendSeconds: histogram(
      'waybill_send_seconds',
      'From taking a message from its queue to its outcome.',
    ),
    totalSeconds: histogram(
      'waybill_total_seconds',
      'From the acceptance of a session to the outcome at a target.',
    ),
    queueDepth: gauge('waybill_queue_depth', 'Messages waiting in a queue.'),
    queueAge: gauge('waybill_queue_oldest_seconds', 'Age of the oldest waiting message.'),
    hostUp: gauge('waybill_host_up', '1 while a host runs.'),
    connectionUp: gauge('waybill_connection_up', '1 while a host is connected or listening.'),
    events: counter('waybill_events_total', 'Named events of hosts.', [...HOST, 'event']),
    onScrape(collect) {
      collectors.push(collect);
    },
    async text() {
      await Promise.all(collectors.map((collect) => collect()));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
