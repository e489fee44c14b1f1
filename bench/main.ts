import { parseArgs } from 'node:util';
import { DURABILITIES } from '../src/broker/embedded/nats-server.ts';
import { print, say } from '../src/cli/output.ts';
import { background } from '../src/error/background.ts';
import { against, comparisonText } from './against.ts';
import { stopEngines } from './engine-process.ts';
import { makeReport, renderReport } from './report.ts';
import { resultText } from './result-text.ts';
import { WORKLOADS } from './shape.ts';
import { runWorkload } from './workload.ts';

const OPTIONS = {
  /** A selection, such as `t1,t2`. */
  workload: { type: 'string', short: 'w', default: 't1,t2,t3' },
  /** One number or several: `1,10`. */
  connections: { type: 'string' },
  /** Of the flood. */
  messages: { type: 'string', default: '10000' },
  /** Seconds of each probe of the search for the sustained rate. */
  probe: { type: 'string', default: '4' },
  /** Messages per second, instead of flood and search. */
  rate: { type: 'string' },
  durability: { type: 'string', default: 'power-loss' },
  json: { type: 'boolean', default: false },
  /** Another checkout, whose engine alternates with this one's. */
  against: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  /** With --against: both at the same moment, for a machine that others use as well. */
  'at-once': { type: 'boolean', default: false },
  /** Writes bench/report.json and bench/report.html. */
  report: { type: 'boolean', default: false },
  /** Writes bench/report.html again from bench/report.json. */
  render: { type: 'boolean', default: false },
  /** With --report: the most messages in the trace before a run. */
  stored: { type: 'string', default: '100000' },
} as const;

const LISTED = '1,4,10,32,64';

/** The options of the command line, checked before anything starts. */
function asked() {
  const { values } = parseArgs({ options: OPTIONS });
  const connections = values.connections ?? (values.report ? LISTED : '10');
  if (values.report && values.rate !== undefined) {
    throw new Error('--report searches for the rate: leave --rate out');
  }
  if (values['at-once'] && values.against === undefined) {
    throw new Error('--at-once is about two checkouts: name the other one with --against');
  }
  const workloads = values.workload.split(',').map((name) => oneOf(WORKLOADS, 'workload', name));
  return {
    ...values,
    workloads,
    durability: oneOf(DURABILITIES, 'durability', values.durability),
    connections: connections.split(',').map((text) => whole('connections', text)),
    messages: whole('messages', values.messages),
    probeSeconds: number('probe', values.probe),
    rate: values.rate === undefined ? undefined : number('rate', values.rate),
    rounds: whole('rounds', values.rounds),
    atOnce: values['at-once'],
    stored: whole('stored', values.stored),
  };
}

type Asked = ReturnType<typeof asked>;

async function run(options: Asked): Promise<void> {
  if (options.render) return renderReport();
  if (options.report) return makeReport(options);
  const { connections, against: checkout } = options;
  for (const workload of options.workloads) {
    for (const count of connections) {
      const of = { ...options, workload, connections: count };
      if (checkout === undefined) {
        const result = await runWorkload(of);
        tell(options, resultText(result), result);
      } else {
        const comparison = await against({ ...of, checkout });
        tell(options, comparisonText(comparison), comparison);
      }
    }
  }
}

/** With `--json` only the figures are printed, one per line. */
function tell({ json }: Asked, text: string, result: object): void {
  if (json) print(JSON.stringify(result));
  (json ? say : print)(text);
}

function oneOf<Name extends string>(names: readonly Name[], option: string, given: string): Name {
  const found = names.find((name) => name === given);
  if (found === undefined) throw new Error(`--${option} is one of ${names.join(', ')}`);
  return found;
}

function number(option: string, given: string): number {
  const value = Number(given);
  if (!(value > 0)) throw new Error(`--${option} is a number above 0, not ${given}`);
  return value;
}

function whole(option: string, given: string): number {
  const value = number(option, given);
  if (!Number.isInteger(value)) throw new Error(`--${option} is a whole number, not ${given}`);
  return value;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    background(
      stopEngines().finally(() => process.exit(1)),
      'stopping the engines',
    );
  });
}

try {
  await run(asked());
} catch (error) {
  const said = error instanceof Error ? error.message : String(error);
  say(
    process.env['WAYBILL_DEBUG'] !== undefined && error instanceof Error
      ? (error.stack ?? said)
      : said,
  );
  process.exitCode = 1;
}
