import { median } from './median.ts';
import type { Report } from './report-data.ts';
import type { Run } from './rig.ts';
import type { WorkloadName } from './shape.ts';
import type { Ratios, Stored } from './stored.ts';
import type { WorkloadResult } from './workload.ts';

/** One figure of the page: a plot, and the same numbers as a table. */
export interface Plot {
  readonly title: string;
  readonly caption: string;
  /** The labels along the bottom, one per position. */
  readonly places: readonly string[];
  readonly along: string;
  readonly unit: string;
  /** Whether the scale is logarithmic: each grid line is ten times the one below it. */
  readonly logarithmic: boolean;
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** The spread of the previous series: drawn thin, in its colour. */
  readonly spread?: boolean;
}

/** Every figure of a report, without those that have no numbers. */
export function plotsOf(report: Report): Plot[] {
  const workloads = [...new Set(report.results.map(({ workload }) => workload))];
  const plots = [
    ...workloads.map((workload) => ratePlot(report, workload)),
    ...workloads.map((workload) => latencyPlot(report, workload)),
    ...workloads.map((workload) => sharePlot(report, workload)),
    ...storedPlots(report),
  ];
  return plots.filter(({ places, series }) => places.length > 0 && series.length > 0);
}

const series = (name: string, values: readonly (number | undefined)[]): Series => ({
  name,
  values: values.map((value) => value ?? null),
});

const times = (runs: readonly (Run | undefined)[]): Series[] => [
  series(
    'ACK p50',
    runs.map((run) => run?.ackMs.p50),
  ),
  series(
    'ACK p99',
    runs.map((run) => run?.ackMs.p99),
  ),
  series(
    'end to end p50',
    runs.map((run) => run?.endToEndMs.p50),
  ),
  series(
    'end to end p99',
    runs.map((run) => run?.endToEndMs.p99),
  ),
];

/** The results of a workload, in the order of their connections. */
const resultsOf = ({ results }: Report, workload: WorkloadName): WorkloadResult[] =>
  results
    .filter((one) => one.workload === workload)
    .toSorted((a, b) => a.connections - b.connections);

function ratePlot(report: Report, workload: WorkloadName): Plot {
  const results = resultsOf(report, workload);
  const of = (name: string, value: (result: WorkloadResult) => number | undefined): Series =>
    series(name, results.map(value));
  return {
    title: `${workload.toUpperCase()}: rate over connections`,
    caption:
      'Messages per second that come in and arrive while the queue does not grow; the output while senders flood it; and the same load without an engine.',
    places: results.map(({ connections }) => String(connections)),
    along: 'connections',
    unit: 'messages/s',
    logarithmic: true,
    series: [
      of('sustained', ({ sustained }) => sustained?.perSecond),
      of('flood, out', ({ flood }) => flood?.outboundPerSecond),
      of('bare JetStream', ({ baseline }) => baseline.perSecond),
      of('bare sockets', ({ sockets }) => sockets.perSecond),
    ],
  };
}

function latencyPlot(report: Report, workload: WorkloadName): Plot {
  const results = resultsOf(report, workload);
  return {
    title: `${workload.toUpperCase()}: latency over connections`,
    caption:
      'At the sustained rate, the highest that holds: the ACK to the sender, and the message at the receiver.',
    places: results.map(({ connections }) => String(connections)),
    along: 'connections',
    unit: 'ms',
    logarithmic: true,
    series: [
      ...times(results.map(({ sustained }) => sustained)),
      series(
        'one durable publish p50',
        results.map(({ baseline }) => baseline.ackMs),
      ),
    ],
  };
}

function sharePlot(report: Report, workload: WorkloadName): Plot {
  const shares = report.shares.filter((one) => one.workload === workload);
  const [first] = shares;
  return {
    title: `${workload.toUpperCase()}: latency over load`,
    caption: `${first?.connections} connections at fractions of the sustained rate: what a hospital sees, whose senders stay far below the engine's capacity.`,
    places: shares.map(({ share, run }) => `${Math.round(share * 100)} % · ${run.rate}/s`),
    along: 'of the sustained rate',
    unit: 'ms',
    logarithmic: true,
    series: times(shares.map(({ run }) => run)),
  };
}

function storedPlots(report: Report): Plot[] {
  const { stored, results } = report;
  if (stored === undefined) return [];
  const { steps, workload, connections } = stored;
  const name = workload.toUpperCase();
  const bare = results.find((one) => one.workload === workload && one.connections === connections);
  const about = { places: steps.map((step) => powerOfTen(step.stored)), along: 'messages stored' };
  const of = (title: string, value: (step: Stored) => number | undefined): Series =>
    series(title, steps.map(value));
  const growth = (title: string, kind: 'time' | 'cpu'): Series[] =>
    (['median', 'lowest', 'highest'] as const).map((which: keyof Ratios) => ({
      ...of(`${title}, ${which}`, (step) => step.growth[kind][which]),
      spread: which !== 'median',
    }));
  return [
    {
      ...about,
      title: `${name}: rate over stored messages`,
      caption: `${connections} connections; the trace contained this many messages of the same day before the run, and about ten thousand more at its end.`,
      unit: 'messages/s',
      logarithmic: true,
      series: [
        of('sustained', ({ sustained }) => sustained?.perSecond),
        of('flood, out', ({ floods }) => median(floods.map((one) => one.outboundPerSecond))),
        of('bare JetStream', () => bare?.baseline.perSecond),
        of('bare sockets', () => bare?.sockets.perSecond),
      ],
    },
    {
      ...about,
      title: `${name}: growth`,
      caption:
        'A message with this many stored, compared with 10,000 stored, alternately in the same run: its time in a flood, and the CPU time of engine and nats-server. 1 means no growth.',
      unit: '× that with 10⁴',
      logarithmic: false,
      series: [...growth('time', 'time'), ...growth('CPU', 'cpu')],
    },
  ];
}

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';

const powerOfTen = (value: number): string => `10${RAISED[Math.round(Math.log10(value))] ?? ''}`;
