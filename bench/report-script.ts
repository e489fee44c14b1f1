import type UPlot from 'uplot';
import type { Plot, Series } from './report-plots.ts';

/**
 * Runs in the browser, as a module of the report page: draws each figure in its place, and again
 * when the width or theme changes.
 */

declare const uPlot: typeof UPlot;

const HEIGHT = 260;
const COLOURS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5'];
/** Distinguishable without colour. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 3 });

const plots = JSON.parse(document.querySelector('#plots')?.textContent ?? '[]') as Plot[];
const drawn = new Map<HTMLElement, UPlot>();

function draw(place: HTMLElement): void {
  const plot = plots[Number(place.dataset['plot'])];
  if (plot === undefined) return;
  drawn.get(place)?.destroy();
  const data = [plot.places.map((_, index) => index), ...plot.series.map(({ values }) => values)];
  drawn.set(place, new uPlot(options(plot, place.clientWidth), data as UPlot.AlignedData, place));
}

function options(plot: Plot, width: number): UPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--ink-2'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    font: '12px system-ui, sans-serif',
  };
  const last = plot.places.length - 1;
  return {
    width,
    height: HEIGHT,
    scales: {
      x: { time: false, range: [-0.2, last + 0.2] },
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- its const enum has no run-time form
      y: plot.logarithmic ? { distr: 3 } : { range: (_plot, low, high) => around(low, high) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        splits: () => plot.places.map((_, index) => index),
        values: (_plot, splits) => splits.map((at) => shortened(plot.places[at] ?? '', width)),
      },
      {
        ...axis,
        size: 58,
        values: (_plot, splits) => splits.map((at) => (at === null ? '' : SHORT.format(at))),
      },
    ],
    series: [
      { label: plot.along, value: (_plot, at) => (at === null ? '' : (plot.places[at] ?? '')) },
      ...looks(plot.series).map(({ name, spread, look }) => ({
        label: name,
        stroke: colour(COLOURS[look % COLOURS.length] ?? ''),
        dash: spread === true ? [2, 4] : (DASHES[look % DASHES.length] ?? []),
        width: spread === true ? 1 : 2,
        points: { show: spread !== true, size: 7, fill: colour('--surface') },
        spanGaps: true,
        value: (_plot: UPlot, value: number | null) => (value === null ? '' : shown(value)),
      })),
    ],
  };
}

/** Each series with the index of its colour and dashes; a spread has that of its series. */
function looks(all: readonly Series[]): (Series & { readonly look: number })[] {
  let look = -1;
  return all.map((one) => {
    if (one.spread !== true) look++;
    return { ...one, look };
  });
}

/** 1 and all values, with some margin. */
function around(low: number, high: number): [number, number] {
  const [bottom, top] = [Math.min(1, low), Math.max(1, high)];
  const room = Math.max(0.05, (top - bottom) * 0.1);
  return [bottom - room, top + room];
}

const shown = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });

/** On a phone only the first of the two parts of a label. */
const shortened = (place: string, width: number): string =>
  width < 500 ? (place.split(' · ')[0] ?? '') : place;

const places = [...document.querySelectorAll<HTMLElement>('[data-plot]')];
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = drawn.get(target as HTMLElement)?.width;
    if (width !== target.clientWidth) draw(target as HTMLElement);
  }
});
for (const place of places) widths.observe(place);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => places.forEach(draw));
