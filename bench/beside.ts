import { parseArgs } from 'node:util';
import { print, table } from '../src/cli/output.ts';
import type { Subject, Subjects } from './beside/subject.ts';
import { median } from './median.ts';

/**
 * The rate of messages with an adapter beside that of its bare client, at the same peer in the same run and with a store
 * that accepts everything at once; and the processor time of a message on either side, which says more on a busy machine.
 *
 *     node --conditions=waybill-source bench/beside.ts [--only nats] [--what nats-out] [--rounds 7] [--seconds 1.5]
 *
 * A round has as many messages as the bare client takes that long for, so that both sides are compiled and a pause of the
 * machine is no large part of it; `--messages 2000` gives their number instead.
 */
const PEERS: Readonly<Record<string, () => Promise<() => Promise<Subjects>>>> = {
  s3: async () => (await import('./beside/objects.ts')).s3Subjects,
  azure: async () => (await import('./beside/objects.ts')).azureSubjects,
  nats: async () => (await import('./beside/nats.ts')).natsSubjects,
  mqtt: async () => (await import('./beside/mqtt.ts')).mqttSubjects,
  kafka: async () => (await import('./beside/kafka.ts')).kafkaSubjects,
  soap: async () => (await import('./beside/soap.ts')).soapSubjects,
  'soap-in': async () => (await import('./beside/soap-in.ts')).soapInSubjects,
  amqp: async () => (await import('./beside/amqp.ts')).amqpSubjects,
  dicom: async () => (await import('./beside/dicom.ts')).dicomSubjects,
  pop3: async () => (await import('./beside/pop3.ts')).pop3Subjects,
  fhir: async () => (await import('./beside/fhir.ts')).fhirSubjects,
  'fhir-client': async () => (await import('./beside/fhir-client.ts')).fhirClientSubjects,
  mllp: async () => (await import('./beside/mllp.ts')).mllpSubjects,
  tcp: async () => (await import('./beside/tcp.ts')).tcpSubjects,
  astm: async () => (await import('./beside/astm.ts')).astmSubjects,
  graph: async () => (await import('./beside/graph.ts')).graphSubjects,
  file: async () => (await import('./beside/file.ts')).fileSubjects,
  ftps: async () => (await import('./beside/ftps.ts')).ftpsSubjects,
  imap: async () => (await import('./beside/imap.ts')).imapSubjects,
  print: async () => (await import('./beside/print.ts')).printSubjects,
  'ssh-exec': async () => (await import('./beside/ssh-exec.ts')).sshExecSubjects,
  sql: async () => (await import('./beside/sql.ts')).sqlSubjects,
  ldap: async () => (await import('./beside/ldap.ts')).ldapSubjects,
};

/** Where the search for the number of messages begins, and where it ends. */
const FEWEST = 200;
const MOST = 60_000;

/** How many messages the bare client takes these milliseconds for. It is warm after this. */
async function enough({ prepare, bare }: Subject, wanted: number): Promise<number> {
  for (let messages = FEWEST; ; ) {
    await prepare?.(messages);
    const { milliseconds } = await bare(messages);
    const missing = wanted / milliseconds;
    if (missing < 1.2 || messages >= MOST)
      return Math.max(20, Math.min(MOST, Math.ceil(messages * missing)));
    messages = Math.min(MOST, Math.ceil(messages * Math.min(missing, 8)));
  }
}

const microseconds = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** Both sides in every round, so that other work on the machine affects both; each is first equally often. */
async function measured(
  { what, prepare, ...sides }: Subject,
  messages: number,
  rounds: number,
): Promise<string[]> {
  const rates = { bare: [] as number[], adapter: [] as number[] };
  const costs = { bare: [] as number[], adapter: [] as number[] };
  const order = ['bare', 'adapter'] as const;
  for (let round = -1; round < rounds; round++) {
    for (const side of round % 2 === 0 ? order : order.toReversed()) {
      await prepare?.(messages);
      const { milliseconds, processor } = await sides[side](messages);
      // the first round warms up
      if (round < 0) continue;
      rates[side].push((messages * 1_000) / milliseconds);
      if (processor !== undefined) costs[side].push((processor * 1_000) / messages);
    }
  }
  const ratio = median(rates.adapter.map((one, round) => one / (rates.bare[round] ?? one)));
  const perSecond = [rates.bare, rates.adapter].map((all) => String(Math.round(median(all))));
  const each = [costs.bare, costs.adapter].map((all) =>
    all.length === 0 ? '' : microseconds(median(all)),
  );
  return [what, String(messages), ...perSecond, ratio.toFixed(2), ...each];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PEERS).join() },
    what: { type: 'string', default: '' },
    messages: { type: 'string' },
    seconds: { type: 'string', default: '1.5' },
    rounds: { type: 'string', default: '7' },
  },
});
const HEAD = ['', 'a round', 'bare /s', 'adapter /s', '× bare', 'bare µs', 'adapter µs'];
const rows: string[][] = [];
for (const name of values.only.split(',')) {
  const start = await PEERS[name]?.();
  if (start === undefined)
    throw new Error(`there is no ${name}; there are ${Object.keys(PEERS).join()}`);
  await using peer = await start();
  for (const subject of peer.subjects) {
    if (!subject.what.includes(values.what)) continue;
    const messages = values.messages ?? (await enough(subject, Number(values.seconds) * 1_000));
    rows.push(await measured(subject, Number(messages), Number(values.rounds)));
    print(table([HEAD, ...rows.slice(-1)]));
  }
}
print(table([HEAD, ...rows]));
