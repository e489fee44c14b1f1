import { type ReactElement, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Comparison, Statistics } from '../../../src/api/contract/event.ts';
import { count } from '../element/time-text.ts';
import { useTheme } from '../shell/theme.ts';

const HOUR = 3_600_000;

interface RateChartProps {
  readonly intervals: Statistics['intervals'];
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly height?: number;
  /** What came a week before, by the hour. */
  readonly before: Comparison['week'];
  /** When the configuration was changed. */
  readonly marks?: readonly number[];
}

/** Messages in and errors per interval. Only visual: the numbers are next to it as text. */
export function RateChart({
  intervals,
  step,
  from,
  to,
  height = 132,
  before,
  marks = NONE,
}: RateChartProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name);
    const axis = {
      stroke: colour('--ink-3'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    const draw = uPlot.paths.bars?.({ size: [0.7, 40], align: 1 });
    const series = (name: string) => ({
      stroke: colour(name),
      fill: colour(name),
      points: { show: false },
      ...(draw === undefined ? {} : { paths: draw }),
    });
    const plot = new uPlot(
      {
        width: current.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: true, range: [from / 1_000, to / 1_000] },
          y: { range: (_self, _low, high) => [0, Math.max(4, high * 1.1)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 24,
            values: (_self, splits) =>
              splits.map((at) => new Date(at * 1_000).toTimeString().slice(0, 5)),
          },
          { ...axis, size: 38, values: (_self, splits) => splits.map(count) },
        ],
        series: [
          {},
          series('--accent'),
          series('--bad'),
          // only so that the scale has room: it is drawn by the hour
          { points: { show: false }, paths: () => null },
        ],
        hooks: {
          draw: [
            (drawn) => drawBefore(drawn, { before, step, colour: colour('--ink-3') }),
            (drawn) => drawMarks(drawn, marks, colour('--warn')),
          ],
        },
      },
      dataOf({ intervals, step, from, to, before }),
      current,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [intervals, step, from, to, height, before, marks, theme]);
  return <div ref={place} aria-hidden="true" style={{ height }} />;
}

const NONE: readonly number[] = [];

/** A line over each hour at the height of what came a week before; none where that is not known. */
function drawBefore(
  plot: uPlot,
  {
    before,
    step,
    colour,
  }: {
    readonly before: Comparison['week'];
    readonly step: number;
    readonly colour: string;
  },
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  for (const { at, in: came, missing } of before) {
    if (missing !== undefined) continue;
    const y = Math.round(plot.valToPos((came * step) / HOUR, 'y', true));
    ctx.moveTo(plot.valToPos(at / 1_000, 'x', true), y);
    ctx.lineTo(plot.valToPos((at + HOUR) / 1_000, 'x', true), y);
  }
  ctx.stroke();
  ctx.restore();
}

/** A line at each time, over the whole height. */
function drawMarks(plot: uPlot, marks: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const at of marks) {
    const x = Math.round(plot.valToPos(at / 1_000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function dataOf({ intervals, step, from, to, before }: RateChartProps): uPlot.AlignedData {
  const length = Math.max(1, Math.round((to - from) / step));
  const times = Array.from({ length }, (_, index) => (from + index * step) / 1_000);
  const came = times.map(() => 0);
  const failed = times.map(() => 0);
  for (const { at, in: arrived, errors } of intervals) {
    const index = Math.floor((at - from) / step);
    if (index < 0 || index >= length) continue;
    came[index] = (came[index] ?? 0) + arrived;
    failed[index] = (failed[index] ?? 0) + errors;
  }
  // no bar for zero
  return [times, bars(came), bars(failed), times.map((at) => earlier(before, at * 1_000, step))];
}

/** What came on average in one interval of that hour a week before; nothing is drawn where it is not known. */
function earlier(before: Comparison['week'], at: number, step: number): number | null {
  const hour = before.find((one) => at >= one.at && at < one.at + HOUR);
  return hour === undefined || hour.missing !== undefined ? null : (hour.in * step) / HOUR;
}

const bars = (values: readonly number[]): (number | null)[] =>
  values.map((value) => (value === 0 ? null : value));
