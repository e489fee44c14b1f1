import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Connection, offsetFetchV5 } from '@platformatic/kafka';

const run = promisify(execFile);
export const KCAT = '/usr/bin/kcat';

/** Why tests against Kafka are skipped; undefined where they run. */
export const noKafka: string | undefined = existsSync(KCAT) ? undefined : 'kcat is not installed';

/** A message as librdkafka's own consumer reports it. */
export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

/**
 * A cluster of librdkafka's mock brokers, which speak the real protocol. They know no sign-in and no TLS, and do not
 * recognise repetitions by the number of a producer.
 */
export interface KafkaCluster extends AsyncDisposable {
  /** Of each broker, from the first. */
  readonly ports: readonly number[];
  readonly pid: number;
  /** A function of `rdkafka_mock.h`, without its prefix and the cluster. */
  ask(name: string, ...given: (string | number)[]): Promise<void>;
  createTopic(name: string, partitions?: number): Promise<void>;
  /** Sends by librdkafka, a message for each body. */
  produce(topic: string, bodies: readonly (Buffer | string)[], ...options: string[]): Promise<void>;
  /** All messages of a topic, read by librdkafka. */
  consume(topic: string, ...options: string[]): Promise<readonly SeenRecord[]>;
  /** The bodies of a topic in their order, as bytes. */
  bodies(topic: string): Promise<readonly Buffer[]>;
}

const SCRIPT = fileURLToPath(new URL('kafka-cluster.py', import.meta.url));
/** No text of a test has it. */
const END = '\u0001';
const SOON = ['-X', 'fetch.wait.max.ms=10'];

export async function kafkaCluster(brokers = 1): Promise<KafkaCluster> {
  const child = spawn('python3', [SCRIPT, String(brokers)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error('the cluster of librdkafka ended');
    return value;
  };
  const ports = (await answer()).split(',').map((place) => Number(place.split(':')[1]));
  // a client that reports on itself takes a second to end
  const to = ['-b', `127.0.0.1:${ports[0]}`, '-X', 'enable.metrics.push=false'];
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (name: string, ...given: (string | number)[]): Promise<void> => {
    // one answer to each, in their order
    const asked = last.then(async () => {
      child.stdin.write(`${JSON.stringify([name, ...given])}\n`);
      return await answer();
    });
    last = asked.catch(() => undefined);
    const code = await asked;
    if (code !== '0') throw new Error(`${name} failed (${code})`);
  };
  const consume = async (topic: string, ...options: string[]): Promise<readonly SeenRecord[]> => {
    const { stdout } = await run(
      KCAT,
      [...to, '-C', '-t', topic, '-e', '-q', '-J', ...SOON, ...options],
      {
        maxBuffer: 2 ** 30,
      },
    );
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SeenRecord);
  };
  return {
    ports,
    pid: child.pid ?? 0,
    ask,
    createTopic: (name, partitions = 1) => ask('topic_create', name, partitions, brokers),
    async produce(topic, bodies, ...options) {
      const kcat = spawn(KCAT, [...to, '-P', '-t', topic, '-D', END, ...options], {
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      let trouble = '';
      kcat.stderr.on('data', (text: Buffer) => (trouble += String(text)));
      const closed = once(kcat, 'close');
      kcat.stdin.end(
        Buffer.concat(bodies.flatMap((body) => [Buffer.from(body), Buffer.from(END)])),
      );
      const [code] = (await closed) as [number | null];
      if (code !== 0) throw new Error(`kcat ended with ${String(code)}: ${trouble}`);
    },
    consume,
    async bodies(topic) {
      const { stdout } = await run(
        KCAT,
        [...to, '-C', '-t', topic, '-e', '-q', '-o', 'beginning', ...SOON, '-f', '%R%s'],
        { maxBuffer: 2 ** 30, encoding: 'buffer' },
      );
      return lengthPrefixed(stdout);
    },
    async [Symbol.asyncDispose]() {
      await ended(child);
    },
  };
}

function lengthPrefixed(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(0, bytes.readInt32BE(at));
    found.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return found;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Where a group stands in a partition, as its coordinator says; -1 if nowhere. */
export async function positionOf(
  port: number,
  group: string,
  { topic, partition = 0 }: { readonly topic: string; readonly partition?: number },
): Promise<bigint> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  await connection.connect('127.0.0.1', port);
  try {
    const asked = [{ groupId: group, topics: [{ name: topic, partitionIndexes: [partition] }] }];
    const { topics } = await offsetFetchV5.api.async(connection, asked, false);
    return topics[0]?.partitions[0]?.committedOffset ?? -1n;
  } finally {
    await connection.close();
  }
}
