import { parseArgs } from 'node:util';
import { DURABILITIES } from '../src/broker/embedded/nats-server.ts';
import { print, table } from '../src/cli/output.ts';
import { runWorkload, type WorkloadName, type WorkloadResult } from './workload.ts';

const WORKLOADS: readonly WorkloadName[] = ['t1', 't2', 't3', 't4'];

const { values } = parseArgs({
  options: {
    workload: { type: 'string', short: 'w' },
    connections: { type: 'string', default: '10' },
    messages: { type: 'string', default: '10000' },
    rate: { type: 'string' },
    durability: { type: 'string', default: 'power-loss' },
    json: { type: 'boolean', default: false },
  },
});

const durability = DURABILITIES.find((kind) => kind === values.durability) ?? 'power-loss';
const chosen = WORKLOADS.filter(
  (name) => values.workload === undefined || name === values.workload,
);
if (chosen.length === 0) throw new Error(`--workload is one of ${WORKLOADS.join(', ')}`);

for (const workload of chosen) {
  const result = await runWorkload({
    workload,
    connections: Number(values.connections),
    messages: Number(values.messages),
    durability,
    rate: values.rate === undefined ? undefined : Number(values.rate),
  });
  print(report(result));
  if (values.json) print(JSON.stringify(result));
}

function report(result: WorkloadResult): string {
  const { workload, connections, messages, baseline, sockets } = result;
  return [
    `${workload.toUpperCase()}  ${messages} messages, ${connections} connections, ${result.durability}`,
    table([
      ['', 'messages/s', 'ACK p50 ms', 'ACK p99 ms'],
      [
        'engine, in',
        String(result.inboundPerSecond),
        String(result.ackMs.p50),
        String(result.ackMs.p99),
      ],
      ['engine, out', String(result.outboundPerSecond), '', ''],
      ['bare client (a)', String(baseline.perSecond), String(baseline.ackMs), ''],
      ['bare sockets (b)', String(sockets.perSecond), String(sockets.ackMs), ''],
    ]),
    `in / (a) ${result.ratio}; end to end p50 ${result.endToEndMs.p50} ms, p99 ${result.endToEndMs.p99} ms; CPU ${result.cpuMsPerMessage} ms a message (engine and nats-server); ${result.rssMiB} MiB; ready after ${result.startMs} ms; ${result.arrived} arrived`,
    '',
  ].join('\n');
}
