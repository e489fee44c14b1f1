import { readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { Report } from './report-data.ts';
import { type Plot, plotsOf } from './report-plots.ts';
import { FIGURES } from './result-text.ts';
import type { WorkloadResult } from './workload.ts';

/** The whole page in one file: it loads nothing, and every figure is also a table. */
export async function reportPage(report: Report): Promise<string> {
  const plots = plotsOf(report);
  const require = createRequire(import.meta.url);
  const style = await text(require.resolve('uplot/dist/uPlot.min.css'));
  const library = await text(require.resolve('uplot/dist/uPlot.iife.min.js'));
  const script = stripTypeScriptTypes(await text(join(import.meta.dirname, 'report-script.ts')));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Waybill ${escaped(report.version)}: how fast</title>
<style>${style}${STYLE}</style>
</head>
<body>
<main>
<h1>Waybill ${escaped(report.version)}: how fast</h1>
${conditions(report)}
${summary(report.results)}
${plots.map(figure).join('\n')}
</main>
<script type="application/json" id="plots">${JSON.stringify(plots).replaceAll('<', '\\u003c')}</script>
<script>${library}</script>
<script type="module">
${script}</script>
</body>
</html>
`;
}

const text = (path: string): Promise<string> => readFile(path, 'utf8');

function conditions({ made, machine, results }: Report): string {
  const loads = results.map(({ loadBefore }) => loadBefore);
  const others = results.flatMap((one) => one.sustained?.others ?? []);
  const durabilities = [...new Set(results.map(({ durability }) => durability))].join(', ');
  const busy =
    others.length === 0
      ? ''
      : ` Other work took ${percent(Math.min(...others))} to ${percent(Math.max(...others))} of the processors meanwhile.`;
  const lines = [
    `${made}; ${machine.cores} cores and ${machine.memoryGiB} GiB shared by engine, nats-server, senders and receiver; Node ${machine.node}; ${durabilities}; the trace on; HL7 of 1.2 KB.`,
    `Load average ${Math.min(...loads)} to ${Math.max(...loads)} when a part began.${busy}`,
    'Sustained is the highest rate at which messages leave as fast as they come in, found by bisection. Times count from when a message was due, so they include the wait of a message that its sender could not send in time.',
  ];
  return lines.map((line) => `<p>${escaped(line)}</p>`).join('\n');
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const HEAD = [
  'workload',
  'connections',
  'sustained /s',
  'flood, in /s',
  'out /s',
  'JetStream /s',
  ...FIGURES,
];

function summary(results: readonly WorkloadResult[]): string {
  const rows = results.map(({ workload, connections, sustained, flood, baseline }) => [
    workload.toUpperCase(),
    connections,
    sustained?.perSecond,
    flood?.inboundPerSecond,
    flood?.outboundPerSecond,
    baseline.perSecond,
    sustained?.ackMs.p50,
    sustained?.ackMs.p99,
    sustained?.endToEndMs.p50,
    sustained?.endToEndMs.p99,
    sustained?.cpuMs.engine,
    sustained?.cpuMs.nats,
    sustained?.rssMiB.engine,
    sustained?.rssMiB.nats,
  ]);
  return `<h2 id="all">All figures</h2>
<p>Times, processor time a message and resident memory are those at the sustained rate.</p>
${table('All figures', HEAD, rows)}`;
}

function figure(plot: Plot, index: number): string {
  const rows = plot.places.map((place, at) => [
    place,
    ...plot.series.map(({ values }) => values[at] ?? undefined),
  ]);
  const head = [plot.along, ...plot.series.map(({ name }) => name)];
  return `<figure aria-labelledby="title-${index}">
<h2 id="title-${index}">${escaped(plot.title)} <small>${escaped(plot.unit)}</small></h2>
<figcaption>${escaped(plot.caption)}</figcaption>
<div data-plot="${index}" aria-hidden="true"></div>
<details><summary>The numbers</summary>
${table(plot.title, head, rows)}
</details>
</figure>`;
}

type Cell = string | number | undefined;

function table(label: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = (row: readonly Cell[]): string =>
    row
      .map((cell, at) => {
        const shown = typeof cell === 'number' ? cell.toLocaleString('en') : escaped(cell ?? '–');
        return at === 0 ? `<th scope="row">${shown}</th>` : `<td>${shown}</td>`;
      })
      .join('');
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(label)}"><table>
<thead><tr>${head.map((name) => `<th scope="col">${escaped(name)}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</tbody>
</table></div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const escaped = (plain: string): string =>
  plain.replaceAll(/[&<>"]/g, (one) => ENTITIES[one] ?? one);

const STYLE = `
:root {
  --canvas: #f5f7f8; --surface: #fff; --line: #dde3e7; --ink: #14212b; --ink-2: #43525e; --focus: #0b7a83;
  --line-1: #0b6168; --line-2: #1d5a94; --line-3: #b3231f; --line-4: #855200; --line-5: #6a3fa0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --canvas: #0e1519; --surface: #141d23; --line: #25323a; --ink: #e8eef1; --ink-2: #b6c2ca; --focus: #67d6d0;
    --line-1: #5cc8c4; --line-2: #82bdf2; --line-3: #ff9089; --line-4: #f0b860; --line-5: #c6a4f2;
  }
}
body { margin: 0; background: var(--canvas); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.15rem; margin: 0 0 .25rem; }
h2 small { font-weight: 400; color: var(--ink-2); }
p, figcaption { color: var(--ink-2); max-width: 46rem; }
figure { margin: 1.5rem 0 0; padding: 1rem; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
#all { margin-top: 2rem; }
[data-plot] { margin-top: .75rem; min-height: 260px; overflow: hidden; }
.wide { overflow-x: auto; }
.wide:focus-visible, summary:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
.wide th, .wide td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
.wide th { font-weight: 600; }
.wide th:first-child { text-align: left; }
details { margin-top: .5rem; color: var(--ink-2); }
summary { cursor: pointer; padding: .25rem 0; }
.uplot { width: 100%; }
.u-legend { margin: .5rem 0 0; text-align: left; font-size: .8125rem; color: var(--ink); }
.u-legend th { font-weight: 400; }
.u-legend .u-series:first-child:has(.u-value:empty) { display: none; }
.u-inline.u-live .u-series:has(.u-value:empty) th::after { content: none; }
`;
